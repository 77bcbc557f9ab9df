import type { Random } from './random.ts';

export type RowChange =
  | { readonly type: 'put'; readonly key: string; readonly value: string }
  | { readonly type: 'del'; readonly key: string };

/** The content of LevelDB's files: rows in the order of the keys' bytes, and which batches are synced. */
export class Rows {
  readonly #rows = new Map<string, string>();
  /** The sorted keys, as strings with one character per byte. */
  #keys: string[] = [];
  /** Batches since the last sync, with the old values of their rows. */
  #unsynced: (readonly RowChange[])[] = [];
  readonly #synced = new Map<string, string>();

  get(key: string): string | undefined {
    return this.#rows.get(bytesOf(key));
  }

  batch(changes: readonly RowChange[], sync: boolean): void {
    this.#unsynced.push(changes);
    apply(this.#rows, changes, this.#keys);
    if (!sync) return;
    for (const batch of this.#unsynced) apply(this.#synced, batch);
    this.#unsynced = [];
  }

  /** The rows between two keys, inclusive or not. */
  range({ gt, gte, lt, lte }: { gt?: string; gte?: string; lt?: string; lte?: string }): [string, string][] {
    const from =
      gt !== undefined
        ? place(this.#keys, bytesOf(gt), true)
        : gte === undefined
          ? 0
          : place(this.#keys, bytesOf(gte), false);
    const end =
      lt !== undefined
        ? place(this.#keys, bytesOf(lt), false)
        : lte === undefined
          ? this.#keys.length
          : place(this.#keys, bytesOf(lte), true);
    return this.#keys.slice(from, end).map((key) => [textOf(key), this.#rows.get(key) ?? '']);
  }

  copy(): Rows {
    const copy = new Rows();
    for (const [key, value] of this.#rows) copy.#rows.set(key, value);
    for (const [key, value] of this.#synced) copy.#synced.set(key, value);
    copy.#keys = [...this.#keys];
    copy.#unsynced = [...this.#unsynced];
    return copy;
  }

  /** Keeps only the first of the unsynced batches. */
  losePower(random: Random): void {
    const kept = this.#unsynced.slice(0, random.below(this.#unsynced.length + 1));
    this.#rows.clear();
    for (const [key, value] of this.#synced) this.#rows.set(key, value);
    for (const batch of kept) apply(this.#rows, batch);
    this.#keys = [...this.#rows.keys()].sort();
    this.#unsynced = kept;
  }
}

function apply(rows: Map<string, string>, changes: readonly RowChange[], keys?: string[]): void {
  for (const change of changes) {
    const key = bytesOf(change.key);
    const known = rows.has(key);
    if (change.type === 'put') rows.set(key, change.value);
    else rows.delete(key);
    if (keys === undefined || known === (change.type === 'put')) continue;
    const at = place(keys, key, false);
    if (known) keys.splice(at, 1);
    else keys.splice(at, 0, key);
  }
}

/** Index of a key, or of its place; with `behind`, the index after it. */
function place(keys: readonly string[], key: string, behind: boolean): number {
  let low = 0;
  for (let high = keys.length; low < high;) {
    const middle = (low + high) >> 1;
    const other = keys[middle] ?? '';
    if (other < key || (behind && other === key)) low = middle + 1;
    else high = middle;
  }
  return low;
}

// eslint-disable-next-line no-control-regex
const ascii = /^[\0-\x7f]*$/;

function bytesOf(key: string): string {
  return ascii.test(key) ? key : Buffer.from(key, 'utf8').toString('latin1');
}

function textOf(key: string): string {
  return ascii.test(key) ? key : Buffer.from(key, 'latin1').toString('utf8');
}
