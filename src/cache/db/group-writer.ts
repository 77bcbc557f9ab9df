import { setTimeout as sleep } from 'node:timers/promises';
import { type FsError, isFsError } from '../../vfs/fs-error.ts';

/** A change of a record. Several changes, also of several tables, are written as one atomic batch. */
export interface Op {
  readonly type: 'put' | 'del';
  /** Name of the sublevel. */
  readonly table: string;
  readonly key: string;
  /** Present for `put`: a JSON value. */
  readonly value?: unknown;
  /** The value as JSON, if it is at hand; then there is no `value`. Not for ops that are logged. */
  readonly json?: string;
}

/** Writes batches atomically; a batch with `sync` survives a power loss. */
export interface BatchWriter {
  /**
   * Logs ops that will be in a later batch, so that they survive a crash of the process until then. Returns their
   * position in the log, or `undefined` if they could not be logged.
   */
  log?(ops: readonly Op[]): number | undefined;
  /**
   * Checks that a change that is accepted now can certainly be written. @throws ENOSPC if the disk has too little space
   */
  checkRoom?(): void;
  /** @param how with `logged`, the position in the log up to which this batch and earlier ones contain everything */
  write(ops: readonly Op[], sync: boolean, how?: { readonly logged?: number | undefined }): Promise<void>;
}

/** An in-memory copy of records of a table. */
export interface Observer {
  /** Called with every op as it is submitted. */
  submitted(op: Op): void;
  /** Called for an op that could not be written: the record on the disk is unchanged. */
  lost(op: Op): void;
}

/** How long ops that are not urgent wait for others, ms: if they are logged, and if they are not. */
const LOGGED_DELAY = 20;
const LAZY_DELAY = 3;
/** Number of records that are written without further delay. */
const MANY = 500;
/** Number of unwritten records beyond which writers wait for the disk. */
const TOO_MANY = 10_000;
/** Delay before a write that found the disk full is retried, ms. */
const AGAIN = 500;

interface Group {
  /** The last op of each record, by table and key. */
  readonly ops: Map<string, Op>;
  readonly done: PromiseWithResolvers;
  /** Settles with the first attempt to write, for callers that request a sync, which must not wait for space. */
  readonly tried: PromiseWithResolvers;
  sync: boolean;
  /** Whether a caller is waiting for it, or it has waited long enough. */
  due: boolean;
  logged: number | undefined;
}

interface Scheduling {
  readonly logged: boolean;
  readonly sync: boolean;
  readonly lazy: boolean;
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

const DONE = Promise.resolve();

/**
 * Collects ops that are submitted while a batch is being written into the next batch (as LevelDB's own writer queue
 * does, but without a trip through the thread pool for each), and makes submitted ops visible to readers before they
 * are on the disk. So a check and the change that depends on it can run in one turn of the event loop, without a lock.
 *
 * With a log, a change is acknowledged as soon as it is logged, and only the last state of a record that changes often
 * is written.
 */
export class GroupWriter {
  readonly #db: BatchWriter;
  /** Latest submitted op by table and key, until its group is written. */
  readonly #overlay = new Map<string, Map<string, Op>>();
  readonly #observers = new Map<string, Observer>();
  /** Whether the log contains everything that was submitted so far. */
  #logs: boolean;
  #place: number | undefined;
  /**
   * Ops that were submitted when the log could not be written. They must be logged first; until then no change is
   * accepted.
   */
  readonly #unlogged = new Set<readonly Op[]>();
  /** The last failure because of a full disk, if nothing was written since. */
  #full: FsError | undefined;
  /** What `join` has submitted in this turn, until it is logged. */
  #joined: Op[] = [];
  #turn: Promise<void> | undefined;
  #ending = false;
  #next: Group | undefined;
  #running: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(db: BatchWriter) {
    this.#db = db;
    this.#logs = db.log !== undefined;
  }

  /**
   * Submits ops, which are visible to `pending` at once. Resolves when they survive a crash of the process, or with
   * `sync` a power loss. All ops of a call are written in the same batch, in the order of the calls. `lazy` ops may
   * wait for others.
   *
   * If the disk is full, submitted ops wait for space, unless they request a sync; see `checkRoom`.
   */
  write(ops: readonly Op[], { sync = false, lazy = false } = {}): Promise<void> {
    if (this.#turn !== undefined && !sync) return this.join(ops);
    void this.#logJoined();
    const logged = this.#log(ops);
    if (logged && ops.length === 0 && !sync) return DONE;
    const group = this.#add(ops);
    group.sync ||= sync;
    return this.#schedule(group, { logged, sync, lazy });
  }

  /**
   * Like `write`, but all that is written in this turn of the event loop (until the next microtask) survives a crash of the
   * process, or nothing of it.
   */
  join(ops: readonly Op[]): Promise<void> {
    if (!this.#logs) return this.write(ops);
    for (const op of ops) this.#joined.push(op);
    this.#add(ops);
    if (this.#turn === undefined) {
      this.#turn = Promise.resolve().then(() => this.#logJoined());
      // As that of a group: a caller that needs it waits for it.
      this.#turn.catch(() => undefined);
    }
    return this.#turn;
  }

  /** To be called before a requested change is started. @throws ENOSPC if it might have to wait for space */
  checkRoom(): void {
    if (this.#full !== undefined) throw this.#full;
    this.#db.checkRoom?.();
  }

  /** Notifies `observer` of the ops of a table, which can have one observer. */
  observe(table: string, observer: Observer): void {
    this.#observers.set(table, observer);
  }

  /** The submitted ops of a table that may not be on disk yet, by key. */
  pending(table: string): ReadonlyMap<string, Op> {
    return this.#tableOverlay(table);
  }

  /** Makes ops that wait for space fail. To be called before closing, so that waiting callers end. */
  end(): void {
    this.#ending = true;
    void this.#logJoined();
    if (this.#next !== undefined) this.#start(this.#next);
  }

  /** Resolves when everything submitted so far has been written or has failed. */
  async idle(): Promise<void> {
    void this.#logJoined();
    if (this.#next !== undefined) this.#start(this.#next);
    while (this.#running !== undefined) await this.#running;
  }

  #add(ops: readonly Op[]): Group {
    const group = (this.#next ??= newGroup());
    for (const op of ops) {
      group.ops.set(`${op.table}/${op.key}`, op);
      this.#tableOverlay(op.table).set(op.key, op);
      this.#observers.get(op.table)?.submitted(op);
    }
    return group;
  }

  #logJoined(): Promise<void> {
    if (this.#turn === undefined) return DONE;
    const ops = this.#joined;
    this.#joined = [];
    this.#turn = undefined;
    const logged = this.#log(ops);
    // The group may be on its way to the disk already.
    return this.#schedule((this.#next ??= newGroup()), { logged, sync: false, lazy: false });
  }

  #schedule(group: Group, { logged, sync, lazy }: Scheduling): Promise<void> {
    if (logged) group.logged = this.#place;
    if (sync || !(logged || lazy) || group.ops.size >= MANY) this.#start(group);
    else this.#later ??= setTimeout(() => this.#start(group), logged ? LOGGED_DELAY : LAZY_DELAY);
    if (sync) return group.tried.promise;
    return !logged || group.ops.size > TOO_MANY ? group.done.promise : DONE;
  }

  /**
   * Logs ops. True if everything submitted is in the log, these ops included. Ops that bypass the log could not be
   * ordered again.
   */
  #log(ops: readonly Op[]): boolean {
    if (!this.#logs) return false;
    if (ops.length === 0) return this.#unlogged.size === 0;
    // They form one frame, as the log must not end in the middle of a batch that the database may already have.
    const place = this.#db.log?.([...[...this.#unlogged].flat(), ...ops]);
    if (place !== undefined) {
      this.#place = place;
      this.#unlogged.clear();
      return true;
    }
    this.#unlogged.add(ops);
    return false;
  }

  #start(group: Group): void {
    if (group !== this.#next) return;
    group.due = true;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    for (let group = this.#next; group !== undefined && (group.due || !this.#logs); group = this.#next) {
      if (this.#full !== undefined && !this.#ending) await sleep(AGAIN);
      // Ends the turn first, so that ops submitted in the same turn join the group.
      await Promise.resolve();
      this.#next = undefined;
      clearTimeout(this.#later);
      this.#later = undefined;
      await this.#write(group);
    }
    this.#running = undefined;
  }

  async #write(group: Group): Promise<void> {
    const { ops, sync, logged, done } = group;
    const all = [...ops.values()];
    const unlogged = [...this.#unlogged];
    try {
      await this.#db.write(all, sync, { logged });
      this.#full = undefined;
      for (const written of unlogged) this.#unlogged.delete(written);
      group.tried.resolve();
      done.resolve();
    } catch (error) {
      group.tried.reject(error);
      if (isFsError(error, 'ENOSPC') && this.#logs && !this.#ending) return this.#postpone(group, error);
      this.#disown(all);
      done.reject(error);
    }
    for (const op of all) {
      const overlay = this.#tableOverlay(op.table);
      if (overlay.get(op.key) === op) overlay.delete(op.key);
    }
  }

  /** Moves a group's ops to the next group, whose own ops are newer. */
  #postpone({ ops, logged, done }: Group, error: FsError): void {
    this.#full = error;
    const next = (this.#next ??= newGroup());
    const newer = [...next.ops];
    next.ops.clear();
    for (const [key, op] of [...ops, ...newer]) next.ops.set(key, op);
    next.logged ??= logged;
    next.due = true;
    next.done.promise.then(done.resolve, done.reject);
  }

  /** Drops ops that could not be written from memory, so that readers do not see them. */
  #disown(ops: readonly Op[]): void {
    for (const op of ops) this.#observers.get(op.table)?.lost(op);
  }

  #tableOverlay(table: string): Map<string, Op> {
    let overlay = this.#overlay.get(table);
    if (overlay === undefined) this.#overlay.set(table, (overlay = new Map<string, Op>()));
    return overlay;
  }
}

function newGroup(): Group {
  return { ops: new Map(), done: withResolvers(), tried: withResolvers(), sync: false, due: false, logged: undefined };
}

function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // A rejection that no caller awaits must not end the process.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
