import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempt } from '../lib/attempt.ts';
import { chosen, type BenchOptions } from '../lib/options.ts';
import { machine } from '../lib/machine.ts';
import { alone } from './alone/main.ts';
import type { Contestant } from './contestant.ts';
import { makeMaterial, type Material } from './material.ts';
import { davfs } from './peers/davfs.ts';
import { fjordBefore, fjordKernel, fjordNative, fjordNoPassthrough } from './peers/fjord-mount.ts';
import { native } from './peers/native.ts';
import { passthroughLl } from './peers/passthrough-ll.ts';
import { rcloneMount } from './peers/rclone-mount.ts';
import { report, type Column } from './report.ts';
import type { Work } from './turn.ts';
import { copy } from './work/copy.ts';
import { git } from './work/git.ts';
import { grep } from './work/grep.ts';
import { list } from './work/list.ts';
import { read } from './work/read.ts';
import { tar } from './work/tar.ts';

/** Fjord comes first, as the others are given as multiples of it. */
const PEERS = [fjordKernel, fjordNoPassthrough, fjordNative, passthroughLl, native, rcloneMount, davfs];
/** The order matters, as later tasks use the results of earlier ones. */
const WORK: readonly Work[] = [tar, list, grep, git, copy, read];
const MEMORY = { figure: 'memory after all that', unit: 'MB' } as const;
const ROUNDS = 3;
/** Signals that end a measurement, after unmounting everything. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Measures every contestant in turn, each time with empty data, and then Fjord alone. Resolves to Markdown. */
export async function benchFuse(options: BenchOptions): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fjord-bench-'));
  // davfs2 runs as its own user.
  await chmod(dir, 0o711);
  try {
    const columns = await compare(dir, options);
    const work = WORK.filter(({ id }) => chosen(options.only, id));
    const rows = [...work.flatMap(({ rows }) => rows), MEMORY];
    const tables = work.length === 0 ? [] : [report(rows, columns)];
    const own = await alone(dir, options);
    return [await machine(), ...tables, ...own].join('\n\n');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function compare(dir: string, { rounds = ROUNDS, only, peers, scale, before }: BenchOptions): Promise<Column[]> {
  const work = WORK.filter(({ id }) => chosen(only, id));
  if (work.length === 0) return [];
  const all = contestants(before);
  const unknown = peers.find((name) => !all.some(({ id }) => id === name));
  if (unknown !== undefined)
    throw new Error(`there is no peer ${unknown}; choose from ${all.map(({ id }) => id).join(', ')}`);
  const columns = await Promise.all(all.filter(({ id }) => chosen(peers, id)).map(column));
  const material = await makeMaterial(dir, scale);
  for (let round = 0; round < rounds; round++) {
    for (const column of columns) {
      if (column.missing !== undefined || round >= (column.contestant.rounds ?? rounds)) continue;
      const own = join(dir, `${column.contestant.id}-${round}`);
      await attempt(column.contestant.name, () => turn(own, column, work, material));
    }
  }
  return columns;
}

function contestants(before: string | undefined): readonly Contestant[] {
  const [own, ...others] = PEERS;
  return before === undefined || own === undefined ? PEERS : [own, fjordBefore(before), ...others];
}

async function column(contestant: Contestant): Promise<Column> {
  const missing = await contestant.missing?.();
  if (missing !== undefined) console.error(`${contestant.name} does not take part: ${missing}`);
  const version = missing === undefined ? await contestant.version() : '';
  return { contestant, version, missing, figures: new Map() };
}

async function turn(
  dir: string,
  { contestant, figures }: Column,
  work: readonly Work[],
  material: Material,
): Promise<void> {
  const note = (figure: string, value: number): void => {
    figures.set(figure, [...(figures.get(figure) ?? []), value]);
  };
  await mkdir(dir);
  const mounted = await contestant.start(dir);
  const end = async (): Promise<void> => {
    await mounted.stop();
    await rm(dir, { recursive: true, force: true });
  };
  const abandon = (): void => void end().finally(() => process.exit(130));
  for (const signal of SIGNALS) process.once(signal, abandon);
  try {
    for (const { id, run } of work) await attempt(`${contestant.name}: ${id}`, () => run({ mounted, material, note }));
    note(MEMORY.figure, (await mounted.memory()) / 1e6);
  } finally {
    for (const signal of SIGNALS) process.off(signal, abandon);
    await end();
  }
}
