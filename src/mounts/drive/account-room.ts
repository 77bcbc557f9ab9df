import { DiskSpace } from '../../cache/disk/disk-space.ts';
import { MAX_SIZE } from '../../vfs/block.ts';
import { FsError } from '../../vfs/fs-error.ts';

/** What the account stores, as the cloud said last. Bytes. */
export interface Quota {
  readonly quota: number;
  readonly used: number;
  readonly files: number;
}

/** Less than this left, bytes: every write is looked at, and none is left to the kernel. */
const AMPLE = 4 * 1024 ** 3;

/** What content may still grow by: the quota, as the cloud said last, less what is used and what waits here for its upload. */
export class AccountRoom {
  readonly #space: DiskSpace;
  #quota: Quota | undefined;

  /** `staged` answers the bytes that wait. Until the cloud has said something there is room for everything. */
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

  /** True if what is written unseen will not fill the account before somebody looks. */
  get isAmple(): boolean {
    return this.#space.free() > AMPLE;
  }

  /** Takes room for `bytes` that are written into a file of `size`, up to `end`. @throws EFBIG, EDQUOT */
  take(bytes: number, size: number, end: number, op: string): void {
    this.#check(size, end, op);
    if (!this.#space.take(bytes, 0)) throw this.#full(op);
  }

  /**
   * That a file of `size` may become one of `end`. Holes take no room, but what a file has grown by should fit when it is
   * written. @throws EFBIG, EDQUOT
   */
  #check(size: number, end: number, op: string): void {
    if (end <= size) return;
    if (end > MAX_SIZE) throw new FsError('EFBIG', op, { reason: 'a file has at most 4 TiB' });
    if (end > (this.#quota?.quota ?? Infinity) || !this.#space.has(end - size)) throw this.#full(op);
  }

  #full(op: string): FsError {
    const left = Math.max(0, Math.floor(this.#space.free() / 1024 / 1024));
    return new FsError('EDQUOT', op, { reason: `the account has room for ${left} MiB more` });
  }
}
