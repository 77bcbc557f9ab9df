import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../vfs/context.ts';
import { FsError, asFsError } from '../../vfs/fs-error.ts';
import type { DiskSpace } from '../disk/disk-space.ts';

/** How often a waiting write checks for space, ms. */
const LOOK = 50;
/** Bytes. */
const AMPLE = 4 * 1024 ** 3;

export interface StagingRoomOptions {
  readonly space: DiskSpace;
  /** Bytes that writes leave free on the disk for the database, which must not find it full. */
  readonly minFree: number;
  /** How long a write waits for uploads to free space, ms. */
  readonly timeout: number;
  /** Evicts cached content until this number of bytes is free; false if that is not possible. */
  readonly clear: (bytes: number) => Promise<boolean>;
}

/** Reserves disk space before a write is accepted, so that an accepted write cannot fail for lack of it. */
export class StagingRoom {
  readonly #options: StagingRoomOptions;

  constructor(options: StagingRoomOptions) {
    this.#options = options;
  }

  /** Reserves bytes if they are free without waiting. */
  take(bytes: number): boolean {
    return this.#options.space.take(bytes, this.#options.minFree);
  }

  /** Whether there is enough space that unobserved writes of the kernel cannot fill the disk before the next check. */
  get isAmple(): boolean {
    const { space, minFree } = this.#options;
    return space.free() > minFree + AMPLE;
  }

  /** To be called after unobserved writes. Frees space if there is too little. */
  look(): void {
    const { space, minFree, clear } = this.#options;
    if (space.refresh() < minFree) void clear(minFree).catch(() => undefined);
  }

  /** Reserves bytes. If necessary it evicts cached content and waits for up to `timeout`. @throws ENOSPC, EINTR */
  async reserve(bytes: number, context: Context): Promise<void> {
    const { clear, minFree, timeout, space } = this.#options;
    const end = performance.now() + timeout;
    while (!this.take(bytes)) {
      if (await clear(bytes + minFree)) continue;
      if (performance.now() >= end) throw noSpace(space.refresh());
      await pause(context.signal);
    }
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  try {
    await sleep(LOOK, undefined, { signal });
  } catch {
    throw asFsError(signal.reason, 'write');
  }
}

function noSpace(free: number): FsError {
  const reason = `the cache disk is full (${Math.floor(free / 1024 / 1024)} MiB free) of files waiting for their upload; free some space on it`;
  return new FsError('ENOSPC', 'write', { reason });
}
