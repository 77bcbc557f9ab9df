import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../vfs/context.ts';
import { FsError, asFsError } from '../../vfs/fs-error.ts';
import type { DiskSpace } from '../disk/disk-space.ts';

/** How often a writer that waits looks whether there is room, ms. */
const LOOK = 50;
/** Bytes. */
const AMPLE = 4 * 1024 ** 3;

export interface StagingRoomOptions {
  readonly space: DiskSpace;
  /** Bytes of the disk that writes leave free: for the database, which must never find it full. */
  readonly minFree: number;
  /** How long a write waits for uploads to make room, ms. */
  readonly patience: number;
  /** Evicts cached content until so many bytes are free. */
  readonly clear: (bytes: number) => Promise<boolean>;
}

/** Reserves room on the disk before a write is accepted, so that what was accepted cannot fail for want of it. */
export class StagingRoom {
  readonly #options: StagingRoomOptions;

  constructor(options: StagingRoomOptions) {
    this.#options = options;
  }

  /** Reserves bytes if they are there at once. */
  take(bytes: number): boolean {
    return this.#options.space.take(bytes, this.#options.minFree);
  }

  /** Whether there is so much that what is written unseen will not fill the disk before somebody looks. */
  get isAmple(): boolean {
    const { space, minFree } = this.#options;
    return space.free() > minFree + AMPLE;
  }

  /** Something was written unseen: makes room if there is too little. */
  look(): void {
    const { space, minFree, clear } = this.#options;
    if (space.refresh() < minFree) void clear(minFree).catch(() => undefined);
  }

  /** Evicts clean content, then waits for a while. @throws ENOSPC, EINTR */
  async reserve(bytes: number, context: Context): Promise<void> {
    const { clear, minFree, patience, space } = this.#options;
    const end = performance.now() + patience;
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
  const reason = `the cache disk is full (${Math.floor(free / 1024 / 1024)} MiB free) with files that wait for upload`;
  return new FsError('ENOSPC', 'write', { reason });
}
