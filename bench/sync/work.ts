import { randomBytes } from 'node:crypto';
import { open, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeBig } from '../lib/big-file.ts';
import { received } from '../lib/loopback.ts';
import { quote, settle, sh } from '../lib/shell.ts';
import { writeFiles } from '../lib/small-files.ts';
import type { Pair } from './contestant.ts';

const KIB = 1024;
const MIB = 1024 ** 2;
const LATENCIES = 30;
const LARGE = { count: 5, bytes: 100 * MIB };
const SMALL_FILES = 10_000;
const GIANT = 1024 * MIB;
/** Longest wait for one change, ms. */
const PATIENCE = 170_000;

export interface Turn {
  readonly pair: Pair;
  /** An empty folder that is not synced. */
  readonly dir: string;
  readonly scale: number;
  readonly note: (figure: string, value: number) => void;
}

/** Something that is done in one folder, until it is seen in the other. */
export interface Work {
  /** As people choose it by `--only`. */
  readonly id: string;
  readonly run: (turn: Turn) => Promise<void>;
}

export const WORK: readonly Work[] = [
  { id: 'latency', run: latency },
  { id: 'large', run: large },
  { id: 'small', run: small },
  { id: 'delta', run: delta },
];

/** From the `close` of a file until its content has been read in the other folder. */
async function latency({ pair, scale, note }: Turn): Promise<void> {
  const samples: number[] = [];
  for (let i = 0; i < Math.max(3, LATENCIES * scale); i++) {
    const content = randomBytes(KIB);
    const name = `latency-${i}`;
    await writeFile(join(pair.here, name), content);
    samples.push(await seen(async () => (await readFile(join(pair.there, name))).equals(content)));
    // Not in step with any timer of the program.
    await sleep(100 + Math.random() * 400);
  }
  samples.sort((a, b) => a - b);
  note('1 KiB visible, p50, ms', samples[Math.floor(samples.length / 2)] ?? NaN);
  note('1 KiB visible, p99, ms', samples[Math.ceil(samples.length * 0.99) - 1] ?? NaN);
}

async function large({ pair, scale, note }: Turn): Promise<void> {
  for (let i = 0; i < Math.max(1, LARGE.count * scale); i++) {
    const [from, to] = [join(pair.here, `large-${i}`), join(pair.there, `large-${i}`)];
    await writeBig(from, LARGE.bytes);
    note('100 MiB read there, s', (await seen(() => isEqual(from, to))) / 1000);
  }
}

async function small({ pair, dir, scale, note }: Turn): Promise<void> {
  const count = Math.ceil(SMALL_FILES * scale);
  const source = join(dir, 'small');
  await writeFiles(source, count, (i) => KIB + ((i * 104_729) % 7169));
  await settle();
  const begin = performance.now();
  await sh(`cp -a ${quote(source)} ${quote(pair.here)}`);
  note('10,000 small files, copied in, s', (performance.now() - begin) / 1000);
  const there = join(pair.there, 'small');
  await seen(async () => (await filesIn(there)) === count);
  note('10,000 small files listed there, s', (performance.now() - begin) / 1000);
  await sh(`cat ${quote(there)}/*/* > /dev/null`);
  note('10,000 small files read there, s', (performance.now() - begin) / 1000);
  await sh(`diff -r ${quote(source)} ${quote(there)}`);
}

/** One byte in the middle of a file, then an append, of a file that was read in the other folder before. */
async function delta({ pair, scale, note }: Turn): Promise<void> {
  const [from, to] = [join(pair.here, 'giant'), join(pair.there, 'giant')];
  await writeBig(from, Math.max(1, Math.round((GIANT / MIB) * scale)) * MIB);
  await seen(() => isEqual(from, to));
  const change = async (figure: string, edit: (size: number) => { data: Buffer; position: number }): Promise<void> => {
    // What is late of the last change must not be counted.
    await sleep(3000);
    const sent = await received();
    const { size } = await stat(from);
    const { data, position } = edit(size);
    await using file = await open(from, 'r+');
    await file.write(data, 0, data.length, position);
    await file.close();
    const waited = await seen(() => shows(to, data, position));
    await sleep(3000);
    note(`${figure}, s`, waited / 1000);
    note(`${figure}, MB sent`, ((await received()) - sent) / 1e6);
  };
  await change('one byte changed in 1 GiB', (size) => ({ data: randomBytes(1), position: Math.floor(size / 2) }));
  await change('1 KiB appended to it', (size) => ({ data: randomBytes(KIB), position: size }));
}

/** Ms until `check` resolves to true; errors count as false. @throws Error after three minutes */
async function seen(check: () => Promise<boolean>): Promise<number> {
  const begin = performance.now();
  while (!(await check().catch(() => false))) {
    if (performance.now() - begin > PATIENCE) throw new Error('the change has not appeared in time');
    await sleep(2);
  }
  return performance.now() - begin;
}

async function shows(path: string, data: Buffer, position: number): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(data.length), 0, data.length, position);
  return buffer.equals(data);
}

async function isEqual(a: string, b: string): Promise<boolean> {
  if ((await stat(a)).size !== (await stat(b)).size) return false;
  await sh(`cmp ${quote(a)} ${quote(b)}`);
  return true;
}

async function filesIn(dir: string): Promise<number> {
  const folders = await readdir(dir);
  const counts = await Promise.all(
    folders.map(async (folder) => (await readdir(join(dir, folder))).filter((name) => name.endsWith('.bin')).length),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
