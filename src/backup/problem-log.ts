import type { ChangedNames } from '../watch/quiet-paths.ts';
import type { SourceProblem } from './source-entry.ts';
import type { BackupStore, StoreOp } from './store.ts';

/** Something that is not in the mirror, as of the last time it was looked at. */
export interface LoggedProblem extends SourceProblem {
  /** ms since 1970 */
  readonly at: number;
}

const PREFIX = 'p';
/** After all keys that begin with what is before it. */
const LAST = '\u{10ffff}';
const ROWS = 1000;

/** All that could not be taken into one mirror, with the reasons. A run replaces what is known about the folders it looks at. */
export class ProblemLog {
  readonly #store: BackupStore;
  readonly #at: number;
  #ops: StoreOp[] = [];
  #written: Promise<void> = Promise.resolve();

  /** @param now ms since 1970; rows of earlier runs have other times */
  constructor(store: BackupStore, now: number) {
    this.#store = store;
    this.#at = now;
  }

  add({ path, reason, skipped }: SourceProblem): void {
    this.#ops.push({ type: 'put', key: PREFIX + path, value: { reason, skipped, at: this.#at } });
    if (this.#ops.length >= ROWS) this.#flush().catch(() => undefined);
  }

  /** Forgets what is no problem any more: all that was not added in this run, of all folders or of those. */
  async finish(scope?: ChangedNames): Promise<void> {
    await this.#flush();
    if (scope === undefined) return this.#forget('', () => true);
    for (const [folder, names] of scope) {
      const base = folder === '' ? '' : `${folder}/`;
      await this.#forget(base, (path) => {
        const name = path.slice(base.length).split('/')[0] ?? '';
        return names === 'all' ? name.length === path.length - base.length : names.has(name);
      });
    }
  }

  async *list(): AsyncGenerator<LoggedProblem> {
    yield* rows(this.#store, '');
  }

  /** How many there are, without what was skipped. */
  async count(): Promise<number> {
    let count = 0;
    for await (const { skipped } of this.list()) if (!skipped) count += 1;
    return count;
  }

  async #forget(base: string, covers: (path: string) => boolean): Promise<void> {
    for await (const { path, at } of rows(this.#store, base)) {
      if (at !== this.#at && covers(path)) this.#ops.push({ type: 'del', key: PREFIX + path });
    }
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const ops = this.#ops;
    this.#ops = [];
    this.#written = this.#written.then(async () => (ops.length > 0 ? this.#store.write(ops) : undefined));
    await this.#written;
  }
}

async function* rows(store: BackupStore, base: string): AsyncGenerator<LoggedProblem> {
  const lt = PREFIX + base + LAST;
  // The folder that `base` names has a row without the '/' at its end, which comes before.
  for (let gt = PREFIX + base; ;) {
    const page = await store.range({ gt, lt, limit: ROWS });
    for (const [key, text] of page) {
      yield { path: key.slice(PREFIX.length), ...(JSON.parse(text) as Omit<LoggedProblem, 'path'>) };
    }
    if (page.length < ROWS) return;
    gt = page.at(-1)?.[0] ?? lt;
  }
}
