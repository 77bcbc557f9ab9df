import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockReader } from './blocks/block-reader.ts';
import type { Clock } from './clock.ts';
import type { BlockRow, Db } from './meta/schema.ts';
import { damagedFiles } from './scrub.ts';

/** Blocks between two records of the position. */
const PAGE = 200;

export interface ScrubPace {
  /** Bytes a second; 0 for none: nothing is verified. */
  readonly rate: number;
  /** ms after the start. */
  readonly delay: number;
  /** ms from the beginning of one round to that of the next. */
  readonly every: number;
}

export const SCRUB_PACE: ScrubPace = { rate: 4 << 20, delay: 60_000, every: 7 * 24 * 60 * 60_000 };

export interface ScrubberOptions extends ScrubPace {
  readonly db: Db;
  readonly reader: Pick<BlockReader, 'isIntact'>;
  /** Where the position is kept, so that a restart goes on from there. */
  readonly file: string;
  readonly now: Clock;
  readonly log: { info(details: object, message: string): void; error(details: object, message: string): void };
}

interface Position {
  /** When the round began, ms since 1970. */
  readonly began: number;
  /** The last block that was verified; absent if the round is over. */
  readonly at?: { readonly account: string; readonly digest: string };
  readonly checked: number;
  readonly damaged: number;
}

type Block = Pick<BlockRow, 'account' | 'digest' | 'size'>;

/**
 * Verifies all stored blocks in the background, at a low rate, again and again. What is found damaged is recorded, so that the next
 * upload of it heals it, and the files concerned are logged.
 */
export class Scrubber {
  readonly #options: ScrubberOptions;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: ScrubberOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#options.rate === 0) return;
    this.#running ??= this.#run().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#options.log.error({ err: error }, 'verifying stored content failed');
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { now, delay, every } = this.#options;
    await this.#pause(delay);
    for (let position = await this.#load(); ;) {
      if (position.at === undefined) {
        await this.#pause(position.began + every - now());
        position = { began: now(), at: { account: '', digest: '' }, checked: 0, damaged: 0 };
      }
      position = await this.#page(position);
      await this.#save(position);
      const { at, checked, damaged } = position;
      if (at === undefined) this.#options.log.info({ checked, damaged }, 'all stored content was verified');
    }
  }

  async #page({ began, at, checked, damaged }: Position): Promise<Position> {
    const blocks = await this.#blocks(at ?? { account: '', digest: '' });
    const bad = new Map<string, Set<string>>();
    for (const { account, digest, size } of blocks) {
      this.#stop.signal.throwIfAborted();
      if (!(await this.#options.reader.isIntact(account, digest))) {
        bad.set(account, (bad.get(account) ?? new Set()).add(digest));
        damaged += 1;
      }
      await this.#pause((size / this.#options.rate) * 1000);
    }
    for (const [account, digests] of bad) await this.#report(account, digests);
    const last = blocks.at(-1);
    const counts = { began, checked: checked + blocks.length, damaged };
    return last === undefined ? counts : { ...counts, at: { account: last.account, digest: last.digest } };
  }

  async #blocks({ account, digest }: { readonly account: string; readonly digest: string }): Promise<Block[]> {
    return await this.#options.db
      .selectFrom('blocks')
      .select(['account', 'digest', 'size'])
      .where((eb) =>
        eb.or([eb('account', '>', account), eb.and([eb('account', '=', account), eb('digest', '>', digest)])]),
      )
      .where('state', '=', 'stored')
      .orderBy('account')
      .orderBy('digest')
      .limit(PAGE)
      .execute();
  }

  async #report(account: string, digests: ReadonlySet<string>): Promise<void> {
    const { db, log } = this.#options;
    const { signal } = this.#stop;
    for await (const file of damagedFiles({ db, signal }, account, account, digests)) {
      log.error({ ...file }, 'stored content of a file is damaged; a computer that still has it uploads it again');
    }
  }

  /** Waits at least a turn, so that requests go first. */
  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stop;
    for (let left = Math.max(0, ms); ; left -= 2 ** 30) {
      await sleep(Math.min(left, 2 ** 30), undefined, { signal, ref: false });
      if (left <= 2 ** 30) return;
    }
  }

  async #load(): Promise<Position> {
    const text = await readFile(this.#options.file, 'utf8').catch(() => '');
    return parse(text) ?? { began: -Infinity, checked: 0, damaged: 0 };
  }

  async #save(position: Position): Promise<void> {
    const { file } = this.#options;
    await writeFile(`${file}.new`, JSON.stringify(position), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}

/** A file that is damaged is as none. */
function parse(text: string): Position | undefined {
  try {
    const { began, at, checked, damaged } = JSON.parse(text) as Position;
    if (![began, checked, damaged].every(Number.isFinite)) return undefined;
    if (at === undefined) return { began, checked, damaged };
    return typeof at.account === 'string' && typeof at.digest === 'string'
      ? { began, at, checked, damaged }
      : undefined;
  } catch {
    return undefined;
  }
}
