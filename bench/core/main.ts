import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine } from '../lib/machine.ts';
import type { BenchOptions } from '../lib/options.ts';
import { benchPuts } from './puts.ts';

/** Measures many small files over WebDAV, into the drive and into the cloud. Resolves to Markdown. */
export async function benchCore({ scale }: BenchOptions): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fjord-bench-'));
  try {
    return [await machine(), await benchPuts(dir, scale)].join('\n\n');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
