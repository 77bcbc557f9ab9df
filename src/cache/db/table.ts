import { LRUCache } from 'lru-cache';
import type { GroupWriter, Observer, Op } from './group-writer.ts';

/** The part of the database that a table needs: a sublevel with keys in UTF-8 byte order and values as JSON text. */
export interface Rows {
  getSync(key: string): string | undefined;
  /** Reads the rows with keys strictly between the bounds, consistently as of the call. */
  range(bounds: Bounds): Promise<[key: string, value: string][]>;
}

export interface Bounds {
  readonly gt: string;
  readonly lt: string;
  readonly limit: number;
}

/** Keys that are remembered to have no record. */
const ABSENT = 4096;

/**
 * The records of one kind by key, read synchronously. Submitted but unwritten records are visible, and recently used
 * ones are kept in memory as objects. Values are JSON and must never be changed in place.
 */
export class Table<V extends object | string> {
  readonly name: string;
  readonly #rows: Rows;
  readonly #writer: GroupWriter;
  readonly #hot: LRUCache<string, V>;
  /** Keys that were looked up and have no record: whoever creates a file asks several times whether its name is free. */
  readonly #absent = new Set<string>();

  /**
   * @param hotBytes bounds the records in memory, by a rough estimate of their size @param observer is notified of
   * every op as well
   */
  constructor(name: string, rows: Rows, writer: GroupWriter, hotBytes: number, observer?: Observer) {
    this.name = name;
    this.#rows = rows;
    this.#writer = writer;
    this.#hot = new LRUCache<string, V>({ maxSize: hotBytes, sizeCalculation: (value: V, key) => weigh(value, key) });
    writer.observe(name, {
      submitted: (op) => {
        this.#observe(op);
        observer?.submitted(op);
      },
      lost: (op) => {
        this.#hot.delete(op.key);
        this.#absent.delete(op.key);
        observer?.lost(op);
      },
    });
  }

  get(key: string): V | undefined {
    const hot = this.#hot.get(key);
    if (hot !== undefined) return hot;
    const op = this.#writer.pending(this.name).get(key);
    if (op !== undefined) return op.type === 'put' ? (op.value as V) : undefined;
    if (this.#absent.has(key)) return undefined;
    const text = this.#rows.getSync(key);
    if (text === undefined) return this.#isAbsent(key);
    const value = JSON.parse(text) as V;
    this.#hot.set(key, value);
    return value;
  }

  /** The same for one who reads everything: nothing is remembered because of it. */
  peek(key: string): V | undefined {
    const hot = this.#hot.peek(key);
    if (hot !== undefined) return hot;
    const op = this.#writer.pending(this.name).get(key);
    if (op !== undefined) return op.type === 'put' ? (op.value as V) : undefined;
    const text = this.#rows.getSync(key);
    return text === undefined ? undefined : (JSON.parse(text) as V);
  }

  put(key: string, value: V): Op {
    return { type: 'put', table: this.name, key, value };
  }

  del(key: string): Op {
    return { type: 'del', table: this.name, key };
  }

  /**
   * Up to `limit` records strictly between two keys, in the order of the keys' UTF-8 bytes. The set of records is as of
   * the call; each value is as of then or newer.
   */
  async range(bounds: Bounds): Promise<[string, V][]> {
    const pending = this.#pendingIn(bounds);
    // Each pending op may hide a stored row, so more rows are requested by that number.
    const stored = await this.#rows.range({ ...bounds, limit: bounds.limit + pending.size });
    if (pending.size === 0) return stored.map(([key, text]) => [key, this.#parse(key, text)]);
    const merged = new Map<string, V>();
    for (const [key, text] of stored) if (!pending.has(key)) merged.set(key, this.#parse(key, text));
    for (const [key, op] of pending) if (op.type === 'put') merged.set(key, op.value as V);
    return [...merged].sort(([a], [b]) => compareUtf8(a, b)).slice(0, bounds.limit);
  }

  /**
   * The record, from memory if it is there: that one is at least as new, and parsing is most of the cost of a listing.
   */
  #parse(key: string, text: string): V {
    return this.#hot.peek(key) ?? (JSON.parse(text) as V);
  }

  #pendingIn({ gt, lt }: Bounds): Map<string, Op> {
    const found = new Map<string, Op>();
    for (const [key, op] of this.#writer.pending(this.name)) {
      if (compareUtf8(key, gt) > 0 && compareUtf8(key, lt) < 0) found.set(key, op);
    }
    return found;
  }

  #isAbsent(key: string): undefined {
    if (this.#absent.size >= ABSENT) this.#absent.clear();
    this.#absent.add(key);
  }

  #observe(op: Op): void {
    this.#absent.delete(op.key);
    if (op.type === 'put') this.#hot.set(op.key, op.value as V);
    else this.#hot.delete(op.key);
  }
}

/** Compares in LevelDB's order of UTF-8 bytes, which is that of code points, not that of UTF-16 units. */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** Rough size of a record in memory, bytes: its strings and the object around them. */
function weigh(value: object | string, key: string): number {
  if (typeof value === 'string') return 100 + key.length + value.length;
  let bytes = 400 + 2 * key.length;
  if ('xattrs' in value && value.xattrs !== undefined) bytes += JSON.stringify(value.xattrs).length;
  return bytes;
}
