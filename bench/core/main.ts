import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempt } from '../lib/attempt.ts';
import { markdown, median, round } from '../lib/figures.ts';
import { machine } from '../lib/machine.ts';
import { chosen, type BenchOptions } from '../lib/options.ts';
import { settle } from '../lib/shell.ts';
import { writeFiles } from '../lib/small-files.ts';
import { fjordBackup, rcloneSync, restic, type StartBackup } from './backups.ts';
import { benchPuts } from './puts.ts';

/** As people choose them by `--peers`; Fjord first: the others are quoted as its multiples. */
const PEERS: Readonly<Record<string, StartBackup>> = {
  fjord: fjordBackup,
  restic,
  rclone: rcloneSync,
};
const FILES = 100_000;
const ROUNDS = 3;

interface Result {
  readonly name: string;
  /** s */
  readonly first: number;
  readonly again: number;
}

/** Backups of many small files, and many small files by WebDAV; answers Markdown. */
export async function benchCore({ rounds = ROUNDS, only, peers, scale }: BenchOptions): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fjord-bench-'));
  const parts = [await machine()];
  try {
    if (chosen(only, 'backup')) parts.push(await benchBackups(dir, { rounds, peers, scale }));
    if (chosen(only, 'put'))
      await attempt('put', async () => void parts.push(await benchPuts(await made(dir, 'put'), scale)));
    return parts.join('\n\n');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface BackupOptions extends Pick<BenchOptions, 'peers' | 'scale'> {
  readonly rounds: number;
}

async function benchBackups(dir: string, { rounds, peers, scale }: BackupOptions): Promise<string> {
  const source = join(dir, 'source');
  const files = Math.ceil(FILES * scale);
  await writeFiles(source, files, (i) => 1024 + ((i * 104_729) % 7169));
  const results: Result[] = [];
  for (const [id, start] of Object.entries(PEERS)) {
    if (!chosen(peers, id)) continue;
    const own = await made(dir, id);
    await attempt(id, async () => void results.push(await measure(start, own, source, rounds)));
    await rm(own, { recursive: true });
  }
  return table(results, files);
}

async function measure(start: StartBackup, dir: string, source: string, rounds: number): Promise<Result> {
  const { name, version, run, stop } = await start(dir, source);
  try {
    const first = await seconds(run);
    const again: number[] = [];
    for (let round = 0; round < rounds; round++) again.push(await seconds(run));
    return { name: `${name} ${version}`, first, again: median(again) };
  } finally {
    await stop();
  }
}

function table(results: readonly Result[], files: number): string {
  const [own] = results;
  const cell = (pick: (result: Result) => number) => (result: Result) => {
    const text = round(pick(result));
    return result === own || own === undefined ? text : `${text} (${round(pick(result) / pick(own))}×)`;
  };
  const rows = [
    ['first run, s', ...results.map(cell(({ first }) => first))],
    ['run with nothing changed, s', ...results.map(cell(({ again }) => again))],
    ['first run, files/s', ...results.map(({ first }) => round(files / first))],
  ];
  return markdown(['Backup of 100,000 files of 1–8 KiB', ...results.map(({ name }) => name)], rows);
}

async function made(dir: string, name: string): Promise<string> {
  const path = join(dir, name);
  await mkdir(path);
  return path;
}

async function seconds(work: () => Promise<void>): Promise<number> {
  await settle();
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
