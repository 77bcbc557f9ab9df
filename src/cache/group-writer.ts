/** One change of a record; several, also of several tables, are written as one atomic batch. */
export interface Op {
  readonly type: 'put' | 'del';
  /** Name of the sublevel. */
  readonly table: string;
  readonly key: string;
  /** Present for `put`; a value that JSON can carry. */
  readonly value?: unknown;
}

/** What writes a batch: all of it or nothing; with `sync` it survives the loss of power. */
export interface BatchWriter {
  write(ops: readonly Op[], sync: boolean): Promise<void>;
}

/** ms */
const LAZY = 3;

interface Group {
  readonly ops: Op[];
  sync: boolean;
  readonly done: PromiseWithResolvers;
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Groups what is written while a batch is under way into the next one (as LevelDB's own writer queue does, but without a
 * trip through the thread pool for each), and lets readers see what has been submitted before it is on disk. So a check
 * and the change that depends on it can follow each other in one turn of the event loop, without a lock.
 */
export class GroupWriter {
  readonly #db: BatchWriter;
  /** Latest submitted op by table and key, until its group is written. */
  readonly #overlay = new Map<string, Map<string, Op>>();
  readonly #observers = new Map<string, (op: Op) => void>();
  #next: Group | undefined;
  #running: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(db: BatchWriter) {
    this.#db = db;
  }

  /**
   * Visible to `pending` at once; answered when written. All `ops` of one call land in one batch, in the order of the calls.
   * What is `lazy` waits a few milliseconds for others to be written with.
   */
  write(ops: readonly Op[], { sync = false, lazy = false } = {}): Promise<void> {
    const group = (this.#next ??= { ops: [], sync: false, done: withResolvers() });
    group.ops.push(...ops);
    group.sync ||= sync;
    for (const op of ops) {
      this.#tableOverlay(op.table).set(op.key, op);
      this.#observers.get(op.table)?.(op);
    }
    if (lazy) this.#later ??= setTimeout(() => this.#start(), LAZY);
    else this.#start();
    return group.done.promise;
  }

  /** Calls `observer` with every op of a table as it is submitted; a table has one, which keeps its hot records right. */
  observe(table: string, observer: (op: Op) => void): void {
    this.#observers.set(table, observer);
  }

  /** The submitted ops of a table that may not be on disk yet, by key. */
  pending(table: string): ReadonlyMap<string, Op> {
    return this.#tableOverlay(table);
  }

  /** Answered when everything submitted so far is written. */
  async idle(): Promise<void> {
    if (this.#next !== undefined) this.#start();
    while (this.#running !== undefined) await this.#running;
  }

  #start(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    // The group that was to be late may have gone with another one; a run over nothing would never end.
    if (this.#next !== undefined) this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (let group = this.#next; group !== undefined; group = this.#next) {
      // Leave the turn first: what is submitted in the same turn joins the group.
      await Promise.resolve();
      this.#next = undefined;
      await this.#write(group);
    }
    this.#running = undefined;
  }

  async #write(group: Group): Promise<void> {
    try {
      await this.#db.write(group.ops, group.sync);
      group.done.resolve();
    } catch (error) {
      this.#disown(group);
      group.done.reject(error);
    } finally {
      for (const op of group.ops) {
        const overlay = this.#tableOverlay(op.table);
        if (overlay.get(op.key) === op) overlay.delete(op.key);
      }
    }
  }

  /** What could not be written must not be shown from memory either. */
  #disown(group: Group): void {
    for (const { table, key } of group.ops) this.#observers.get(table)?.({ type: 'del', table, key });
  }

  #tableOverlay(table: string): Map<string, Op> {
    let overlay = this.#overlay.get(table);
    if (overlay === undefined) this.#overlay.set(table, (overlay = new Map<string, Op>()));
    return overlay;
  }
}

function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Every caller awaits its own copy; a group that nobody awaits any more must not end the process.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
