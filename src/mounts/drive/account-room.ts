import { DiskSpace } from '../../cache/disk/disk-space.ts';
import { MAX_SIZE } from '../../vfs/block.ts';
import { FsError } from '../../vfs/fs-error.ts';

/** What the account stores, as last reported by the cloud. Bytes. */
export interface Quota {
  readonly quota: number;
  readonly used: number;
  readonly files: number;
}

/** With less than this left, bytes, every write is checked and none is left to the kernel. */
const AMPLE = 4 * 1024 ** 3;

/**
 * How much content may still grow: the quota last reported by the cloud, less what is used and what waits here for
 * upload.
 */
export class AccountRoom {
  readonly #space: DiskSpace;
  #quota: Quota | undefined;

  /**
   * `staged` returns the number of bytes that wait for upload. Until the cloud has reported a quota there is room for
   * everything.
   */
  constructor(staged: () => number) {
    this.#space = new DiskSpace(() => (this.#quota ? this.#quota.quota - this.#quota.used - staged() : Infinity));
  }

  get quota(): Quota | undefined {
    return this.#quota;
  }

  set quota(quota: Quota) {
    this.#quota = quota;
    this.#space.refresh();
  }

  /** True if unobserved writes will not fill the account before the next check. */
  get isAmple(): boolean {
    return this.#space.free() > AMPLE;
  }

  /** Reserves room for `bytes` that are written into a file of `size`, up to `end`. @throws EFBIG, EDQUOT */
  take(bytes: number, size: number, end: number, op: string): void {
    this.#check(size, end, op);
    if (!this.#space.take(bytes, 0)) throw this.#full(op);
  }

  /**
   * Checks that a file may grow from `size` to `end`. Holes take no room, but growth should fit when it is written.
   * @throws EFBIG, EDQUOT
   */
  #check(size: number, end: number, op: string): void {
    if (end <= size) return;
    if (end > MAX_SIZE) throw new FsError('EFBIG', op, { reason: 'a file can have at most 4 TiB' });
    if (end > (this.#quota?.quota ?? Infinity) || !this.#space.has(end - size)) throw this.#full(op);
  }

  #full(op: string): FsError {
    const left = Math.max(0, Math.floor(this.#space.free() / 1024 / 1024));
    return new FsError('EDQUOT', op, {
      reason: `the account's quota has ${left} MiB left; delete files or raise the quota`,
    });
  }
}
