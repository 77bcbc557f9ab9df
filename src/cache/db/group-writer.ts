import { setTimeout as sleep } from 'node:timers/promises';
import { type FsError, isFsError } from '../../vfs/fs-error.ts';

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
  /**
   * Makes ops that will be in a later batch survive the death of the process until then. Answers their place in the log, or
   * nothing if that cannot be.
   */
  log?(ops: readonly Op[]): number | undefined;
  /** Whether what is taken up now will be written for certain. @throws ENOSPC if the disk has too little room for that */
  checkRoom?(): void;
  /** `logged`: the place up to which this batch and those before it have everything. */
  write(ops: readonly Op[], sync: boolean, how?: { readonly logged?: number | undefined }): Promise<void>;
}

/** Who keeps records of a table in memory. */
export interface Observer {
  /** Called with every op as it is submitted. */
  submitted(op: Op): void;
  /** It could not be written: the record is what it was before, on the disk. */
  lost(op: Op): void;
}

/** How long what need not be written at once waits for others, ms: where it is logged, and where it is not. */
const LOGGED_DELAY = 20;
const LAZY_DELAY = 3;
/** Records that are written at once. */
const MANY = 500;
/** Records beyond which the disk is waited for. */
const TOO_MANY = 10_000;
/** What found no room on the disk is tried again after so long, ms. */
const AGAIN = 500;

interface Group {
  /** The last op of each record, by table and key. */
  readonly ops: Map<string, Op>;
  readonly done: PromiseWithResolvers;
  /** Its first write has succeeded, or failed: for those who ask for a sync, and are not to wait for room. */
  readonly tried: PromiseWithResolvers;
  sync: boolean;
  /** Somebody waits for it, or it has waited long enough. */
  due: boolean;
  logged: number | undefined;
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

const ANSWERED = Promise.resolve();

/**
 * Groups what is written while a batch is under way into the next one (as LevelDB's own writer queue does, but without a
 * trip through the thread pool for each), and lets readers see what has been submitted before it is on disk. So a check
 * and the change that depends on it can follow each other in one turn of the event loop, without a lock.
 *
 * Where there is a log a change is answered as soon as it is in that; of what changes often only the last is then written.
 */
export class GroupWriter {
  readonly #db: BatchWriter;
  /** Latest submitted op by table and key, until its group is written. */
  readonly #overlay = new Map<string, Map<string, Op>>();
  readonly #observers = new Map<string, Observer>();
  /** The log has everything that was submitted so far; the place of the last. */
  #logs: boolean;
  #place: number | undefined;
  /** What was submitted when the log could not be written: to be logged first. Meanwhile nothing more is taken up. */
  readonly #unlogged = new Set<readonly Op[]>();
  /** The last failure, for want of room, after which nothing was written. */
  #full: FsError | undefined;
  #ending = false;
  #next: Group | undefined;
  #running: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;

  constructor(db: BatchWriter) {
    this.#db = db;
    this.#logs = db.log !== undefined;
  }

  /**
   * Visible to `pending` at once; answered when it survives the death of the process, or with `sync` the loss of power. All
   * `ops` of one call land in one batch, in the order of the calls. What is `lazy` need not be written before others are.
   *
   * Where the disk is full what has been submitted waits for room, unless it asks for a sync: see `checkRoom`.
   */
  write(ops: readonly Op[], { sync = false, lazy = false } = {}): Promise<void> {
    const logged = this.#log(ops);
    if (logged && ops.length === 0 && !sync) return ANSWERED;
    const group = (this.#next ??= newGroup());
    if (logged) group.logged = this.#place;
    group.sync ||= sync;
    for (const op of ops) {
      group.ops.set(`${op.table}/${op.key}`, op);
      this.#tableOverlay(op.table).set(op.key, op);
      this.#observers.get(op.table)?.submitted(op);
    }
    if (sync || !(logged || lazy) || group.ops.size >= MANY) this.#start(group);
    else this.#later ??= setTimeout(() => this.#start(group), logged ? LOGGED_DELAY : LAZY_DELAY);
    if (sync) return group.tried.promise;
    return !logged || group.ops.size > TOO_MANY ? group.done.promise : ANSWERED;
  }

  /** To be called before a change that somebody asks for is begun. @throws ENOSPC if it might have to wait for room */
  checkRoom(): void {
    if (this.#full !== undefined) throw this.#full;
    this.#db.checkRoom?.();
  }

  /** Tells `observer` of the ops of a table, which has one. */
  observe(table: string, observer: Observer): void {
    this.#observers.set(table, observer);
  }

  /** The submitted ops of a table that may not be on disk yet, by key. */
  pending(table: string): ReadonlyMap<string, Op> {
    return this.#tableOverlay(table);
  }

  /** Nothing waits for room any more: it fails. To be called before the end, when whoever waits is to end. */
  end(): void {
    this.#ending = true;
    if (this.#next !== undefined) this.#start(this.#next);
  }

  /** Answered when everything submitted so far is written, or has failed. */
  async idle(): Promise<void> {
    if (this.#next !== undefined) this.#start(this.#next);
    while (this.#running !== undefined) await this.#running;
  }

  /** True if all that was submitted is in the log, these ops included. What is written past it could not be put in order again. */
  #log(ops: readonly Op[]): boolean {
    if (!this.#logs) return false;
    if (ops.length === 0) return this.#unlogged.size === 0;
    // One frame, as the log must not end in the middle of what the database may have already.
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
      // Leave the turn first: what is submitted in the same turn joins the group.
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

  /** It goes with what comes next, which is newer. */
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

  /** What could not be written must not be shown from memory either. */
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
  // Every caller awaits its own copy; a group that nobody awaits any more must not end the process.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
