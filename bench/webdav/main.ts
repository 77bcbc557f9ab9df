import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, open, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { markdown, median, round } from '../lib/figures.ts';
import type { Peer, StartPeer } from '../lib/peer.ts';
import { apache } from '../peers/apache.ts';
import { bareNode } from '../peers/bare-node.ts';
import { fjord } from '../peers/fjord.ts';
import { rclone } from '../peers/rclone.ts';
import { webdavServer } from '../peers/webdav-server.ts';
import { call, getBig, getSmall, propfind, putBig, putSmall } from './work.ts';

/** Fjord comes first, as the others are given as multiples of it. */
const PEERS: readonly StartPeer[] = [fjord, apache, rclone, webdavServer, bareNode];

const BIG = 512 * 1024 * 1024;

/** By figure: one value per round. */
type Figures = Map<string, number[]>;

interface Row {
  readonly figure: string;
  readonly unit: string;
  /** Whether a larger value is better. */
  readonly more: boolean;
}

const ROWS: readonly Row[] = [
  { figure: 'PROPFIND of 1,000', unit: 'ms', more: false },
  { figure: 'first byte of it', unit: 'ms', more: false },
  { figure: 'PROPFIND of 10,000', unit: 'ms', more: false },
  { figure: 'first byte of those', unit: 'ms', more: false },
  { figure: 'small GET, 8 connections', unit: '/s', more: true },
  { figure: 'GET of 512 MiB', unit: 'MB/s', more: true },
  { figure: 'PUT of 512 MiB', unit: 'MB/s', more: true },
  { figure: '1,000 small PUTs, 8 connections', unit: 's', more: false },
  { figure: 'memory after all that', unit: 'MB', more: false },
];

/** Runs every peer in turn, `rounds` times. Resolves to a table in Markdown. */
export async function benchWebdav(rounds: number): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fjord-bench-'));
  // Apache runs as its own user.
  await chmod(dir, 0o711);
  const source = join(dir, 'big');
  await writeRandom(source, BIG);
  const results = new Map<Peer, Figures>();
  try {
    for (const [i, start] of PEERS.entries()) results.set(await start(join(dir, `peer-${i}`)), new Map());
    for (const [peer, figures] of results) await prepare(peer, figures);
    for (let round = 0; round < rounds; round++) {
      for (const [peer, figures] of results) await measure(peer, figures, source, round);
    }
    for (const [peer, figures] of results) note(figures, 'memory after all that', (await peer.memory()) / 1e6);
  } finally {
    for (const peer of results.keys()) await peer.stop();
    await rm(dir, { recursive: true, force: true });
  }
  return report(results, rounds);
}

async function prepare(peer: Peer, figures: Figures): Promise<void> {
  await putSmall(peer, 'thousand', 1000);
  await putSmall(peer, 'tenthousand', 10_000);
  // The first listing reads the folder from the disk, so every peer lists its folder once before the measurement.
  if (peer.lists !== false) {
    await propfind(peer, 'thousand');
    await propfind(peer, 'tenthousand');
  }
  figures.clear();
}

async function measure(peer: Peer, figures: Figures, source: string, round: number): Promise<void> {
  if (peer.lists !== false) await measureLists(peer, figures);
  note(figures, 'small GET, 8 connections', await getSmall(peer, 'thousand/file-00000.txt', 4));
  note(figures, 'PUT of 512 MiB', (await putBig(peer, `big-${round}`, source, BIG)) / 1e6);
  note(figures, 'GET of 512 MiB', (await getBig(peer, `big-${round}`, BIG)) / 1e6);
  await call(peer, 'DELETE', `big-${round}`);
  note(figures, '1,000 small PUTs, 8 connections', await putSmall(peer, `round-${round}`, 1000));
}

async function measureLists(peer: Peer, figures: Figures): Promise<void> {
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

function report(results: ReadonlyMap<Peer, Figures>, rounds: number): string {
  const peers = [...results];
  const [, own] = peers[0] ?? [];
  const rows = ROWS.map(({ figure, unit, more }) => {
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
