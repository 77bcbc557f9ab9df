import { randomUUID } from 'node:crypto';
import { closeSync, createWriteStream, fchmodSync, lstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Listed } from '../daemon/control/wire.ts';
import { Problem } from '../daemon/problem.ts';
import type { FileTimes } from '../libc/file-times.ts';

/** Files up to this are gathered and written in one go, on this thread: each call to another one takes longer than that. */
const SMALL = 256 * 1024;

export interface SaveOptions {
  readonly at: string;
  /** Whether what is there may be replaced. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  readonly times: FileTimes;
}

/** Makes bytes a file with the mode and the time of `file`, whole or not at all. @throws Problem of kind `conflict` */
export async function saveFile(body: AsyncIterable<Uint8Array>, file: Listed, options: SaveOptions): Promise<void> {
  const { at, force, signal, times } = options;
  const temporary = join(at, '..', `.${basename(at).slice(0, 80)}.${randomUUID().slice(0, 8)}.fjord-part`);
  try {
    if (file.size <= SMALL) writeAtOnce(temporary, await gather(body, signal), file);
    else await stream(body, temporary, file, signal);
    times.set(temporary, file.mtime);
    // No other file of ours can come between the two.
    if (!force && isThere(at)) throw exists(at);
    renameSync(temporary, at);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

export function exists(at: string): Problem {
  return new Problem('conflict', `${at} exists already; use --force to replace it`);
}

async function gather(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    signal.throwIfAborted();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function writeAtOnce(path: string, bytes: Buffer, { mode }: Listed): void {
  const fd = openSync(path, 'wx', 0o600);
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
    fchmodSync(fd, mode);
  } finally {
    closeSync(fd);
  }
}

async function stream(
  body: AsyncIterable<Uint8Array>,
  path: string,
  { mode }: Listed,
  signal: AbortSignal,
): Promise<void> {
  await pipeline(body, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
  await chmod(path, mode);
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
