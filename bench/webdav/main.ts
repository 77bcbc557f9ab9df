import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, open, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { markdown, median, round } from '../lib/figures.ts';
import { type BenchOptions, chosen } from '../lib/options.ts';
import type { Peer, StartPeer } from '../lib/peer.ts';
import { settle } from '../lib/shell.ts';
import { apache } from '../peers/apache.ts';
import { bareNode } from '../peers/bare-node.ts';
import { fjord, fjordBefore } from '../peers/fjord.ts';
import { rclone } from '../peers/rclone.ts';
import { webdavServer } from '../peers/webdav-server.ts';
import { call, getBig, getSmall, propfind, putBig, putSmall } from './work.ts';

interface Contestant {
  readonly id: string;
  readonly start: StartPeer;
}

/** Fjord comes first, as the others are given as multiples of it. */
const PEERS: readonly Contestant[] = [
  { id: 'fjord', start: fjord },
  { id: 'apache', start: apache },
  { id: 'rclone', start: rclone },
  { id: 'webdav-server', start: webdavServer },
  { id: 'bare-node', start: bareNode },
];

const BIG = 512 * 1024 * 1024;
const ROUNDS = 5;

/** By figure: one value per round. */
type Figures = Map<string, number[]>;

interface Row {
  readonly figure: string;
  readonly unit: string;
  /** Whether a larger value is better. */
  readonly more: boolean;
}

/** What is measured of one peer in one round. */
interface Turn {
  readonly peer: Peer;
  readonly figures: Figures;
  readonly material: Material;
  readonly round: number;
}

interface Material {
  /** A file of random bytes, and its size. */
  readonly source: string;
  readonly bytes: number;
  /** The part of the whole work that is done. */
  readonly scale: number;
}

/** A part of the measurement. */
interface Work {
  /** Its name for `--only`. */
  readonly id: string;
  readonly rows: readonly Row[];
  readonly run: (turn: Turn) => Promise<void>;
}

const WORK: readonly Work[] = [
  {
    id: 'list',
    rows: [
      { figure: 'PROPFIND of 1,000', unit: 'ms', more: false },
      { figure: 'first byte of it', unit: 'ms', more: false },
      { figure: 'PROPFIND of 10,000', unit: 'ms', more: false },
      { figure: 'first byte of those', unit: 'ms', more: false },
    ],
    run: measureLists,
  },
  {
    id: 'get',
    rows: [{ figure: 'small GET, 8 connections', unit: '/s', more: true }],
    run: async ({ peer, figures }) => {
      note(figures, 'small GET, 8 connections', await getSmall(peer, 'thousand/file-00000.txt', 4));
    },
  },
  {
    id: 'big',
    rows: [
      { figure: 'GET of 512 MiB', unit: 'MB/s', more: true },
      { figure: 'PUT of 512 MiB', unit: 'MB/s', more: true },
    ],
    run: async ({ peer, figures, round, material: { source, bytes } }) => {
      note(figures, 'PUT of 512 MiB', (await putBig(peer, `big-${round}`, source, bytes)) / 1e6);
      note(figures, 'GET of 512 MiB', (await getBig(peer, `big-${round}`, bytes)) / 1e6);
      await call(peer, 'DELETE', `big-${round}`);
    },
  },
  {
    id: 'put',
    rows: [
      { figure: '1,000 small PUTs, 8 connections', unit: 's', more: false },
      { figure: '300 small PUTs, one after another', unit: 's', more: false },
    ],
    run: async (turn) => {
      const { peer, figures, round, material } = turn;
      const { scale } = material;
      const many = await putSmall(peer, `round-${round}`, Math.ceil(1000 * scale));
      note(figures, '1,000 small PUTs, 8 connections', many);
      await idle(turn);
      const alone = await putSmall(peer, `alone-${round}`, Math.ceil(300 * scale), 1);
      note(figures, '300 small PUTs, one after another', alone);
    },
  },
];
const MEMORY: Row = { figure: 'memory after all that', unit: 'MB', more: false };

/** Runs every peer in turn, `rounds` times. Resolves to a table in Markdown. @throws Error for an unknown peer or part */
export async function benchWebdav({ rounds = ROUNDS, only, peers, scale, before }: BenchOptions): Promise<string> {
  const work = select(WORK, only, 'part');
  const starts = select(contestants(before), peers, 'peer');
  const dir = await mkdtemp(join(tmpdir(), 'fjord-bench-'));
  // Apache runs as its own user.
  await chmod(dir, 0o711);
  const material = { source: join(dir, 'big'), bytes: Math.ceil(BIG * scale), scale };
  await writeRandom(material.source, material.bytes);
  const results = new Map<Peer, Figures>();
  try {
    for (const { id, start } of starts) results.set(await start(join(dir, id)), new Map());
    for (const [peer, figures] of results) await prepare(peer, figures, scale);
    for (let round = 0; round < rounds; round++) {
      for (const [peer, figures] of results) await measure(work, { peer, figures, material, round });
    }
    for (const [peer, figures] of results) note(figures, MEMORY.figure, (await peer.memory()) / 1e6);
  } finally {
    for (const peer of results.keys()) await peer.stop();
    await rm(dir, { recursive: true, force: true });
  }
  return report([...work.flatMap(({ rows }) => rows), MEMORY], results, rounds);
}

function contestants(before: string | undefined): readonly Contestant[] {
  const [own, ...others] = PEERS;
  if (before === undefined || own === undefined) return PEERS;
  return [own, { id: 'fjord-before', start: fjordBefore(before) }, ...others];
}

function select<T extends { readonly id: string }>(all: readonly T[], names: readonly string[], what: string): T[] {
  const unknown = names.find((name) => !all.some(({ id }) => id === name));
  if (unknown !== undefined)
    throw new Error(`there is no ${what} ${unknown}; choose from ${all.map(({ id }) => id).join(', ')}`);
  return all.filter(({ id }) => chosen(names, id));
}

async function prepare(peer: Peer, figures: Figures, scale: number): Promise<void> {
  await putSmall(peer, 'thousand', Math.ceil(1000 * scale));
  await putSmall(peer, 'tenthousand', Math.ceil(10_000 * scale));
  // The first listing reads the folder from the disk, so every peer lists its folder once before the measurement.
  if (peer.lists !== false) {
    await propfind(peer, 'thousand');
    await propfind(peer, 'tenthousand');
  }
  figures.clear();
}

async function measure(work: readonly Work[], turn: Turn): Promise<void> {
  for (const { run } of work) {
    await idle(turn);
    await run(turn);
  }
}

/** Lets a part not pay for the one before: what was written is on the disk, and uploaded. */
async function idle({ peer }: Turn): Promise<void> {
  await peer.idle?.();
  await settle();
}

async function measureLists({ peer, figures }: Turn): Promise<void> {
  if (peer.lists === false) return;
  for (let i = 0; i < 5; i++) {
    const thousand = await propfind(peer, 'thousand');
    note(figures, 'PROPFIND of 1,000', thousand.total);
    note(figures, 'first byte of it', thousand.first);
  }
  const tenThousand = await propfind(peer, 'tenthousand');
  note(figures, 'PROPFIND of 10,000', tenThousand.total);
  note(figures, 'first byte of those', tenThousand.first);
}

function note(figures: Figures, figure: string, value: number): void {
  figures.set(figure, [...(figures.get(figure) ?? []), value]);
}

function report(shown: readonly Row[], results: ReadonlyMap<Peer, Figures>, rounds: number): string {
  const peers = [...results];
  const [, own] = peers[0] ?? [];
  const rows = shown.map(({ figure, unit, more }) => {
    const ours = median(own?.get(figure) ?? []);
    const cells = peers.map(([, figures], i) => {
      const value = median(figures.get(figure) ?? []);
      const ratio = more ? ours / value : value / ours;
      return i === 0 || Number.isNaN(value) ? round(value) : `${round(value)} (${round(ratio)}×)`;
    });
    return [`${figure}, ${unit}`, ...cells];
  });
  const head = ['', ...peers.map(([{ name, version }]) => `${name} ${version}`)];
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model ?? '?'}, Node ${process.version}, ${process.platform}`;
  const note_ = `Medians of ${rounds} rounds, peers in turn. In brackets: how many times better Fjord is (1× is equal, below 1 is worse).`;
  return `${machine}.\n${note_}\n\n${markdown(head, rows)}\n`;
}

async function writeRandom(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  for (let at = 0; at < bytes; at += 1 << 20) await file.write(randomBytes(1 << 20));
  await file.close();
}
