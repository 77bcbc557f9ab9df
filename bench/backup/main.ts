import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempt } from '../lib/attempt.ts';
import { markdown, median, round } from '../lib/figures.ts';
import { received } from '../lib/loopback.ts';
import { machine } from '../lib/machine.ts';
import { chosen, type BenchOptions } from '../lib/options.ts';
import { forget, quote, settle, sh } from '../lib/shell.ts';
import type { Backup, Contestant } from './contestant.ts';
import { borg } from './peers/borg.ts';
import { fjordBackup } from './peers/fjord.ts';
import { rclone } from './peers/rclone.ts';
import { restic } from './peers/restic.ts';
import { WORK, type Work } from './work.ts';

/** Fjord first: the others are quoted as its multiples. */
const PEERS: readonly Contestant[] = [fjordBackup, restic, rclone, borg];
/** Runs in which nothing has changed. */
const IDLE_RUNS = 3;

/** A figure of one work, by peer. */
type Figures = Map<string, Map<Contestant, number[]>>;

/** Backups of large and of small files by each program to a server of its own, and the way back; resolves to Markdown. */
export async function benchBackup({ rounds = 1, only, peers, scale }: BenchOptions): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fjord-bench-'));
  const contestants = PEERS.filter(({ id }) => chosen(peers, id));
  const versions = await Promise.all(contestants.map(async (peer) => `${peer.name} ${await peer.version()}`));
  const parts = [await machine()];
  try {
    for (const work of WORK.filter(({ id }) => chosen(only, id))) {
      const figures: Figures = new Map();
      for (let i = 0; i < rounds; i++) await takeTurns({ dir, work, contestants, scale, figures });
      parts.push(table(work, versions, contestants, figures));
    }
    return parts.join('\n\n');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface Turns {
  readonly dir: string;
  readonly work: Work;
  readonly contestants: readonly Contestant[];
  readonly scale: number;
  readonly figures: Figures;
}

async function takeTurns({ dir, work, contestants, scale, figures }: Turns): Promise<void> {
  for (const contestant of contestants) {
    const [own, source] = [await made(dir, contestant.id), await made(dir, 'source')];
    await work.make(source, scale);
    const note = (figure: string, value: number): void => {
      const row = figures.get(figure) ?? figures.set(figure, new Map()).get(figure);
      row?.set(contestant, [...(row.get(contestant) ?? []), value]);
    };
    await attempt(`${work.id}: ${contestant.id}`, async () => {
      const backup = await contestant.start(own, source);
      try {
        await measure({ backup, work, source, own, note, network: contestant.network });
      } finally {
        await backup.stop();
      }
    });
    await rm(own, { recursive: true });
    await rm(source, { recursive: true });
  }
}

interface Measurement {
  readonly backup: Backup;
  readonly work: Work;
  readonly source: string;
  readonly own: string;
  readonly network: boolean;
  readonly note: (figure: string, value: number) => void;
}

async function measure({ backup, work, source, own, network, note }: Measurement): Promise<void> {
  const run = async (what: string, action: () => Promise<void>): Promise<void> => {
    await settle();
    const [sent, begin] = [await received(), performance.now()];
    await action();
    note(`${what}, s`, (performance.now() - begin) / 1000);
    if (network && what !== IDLE) note(`${what}: sent, MB`, ((await received()) - sent) / 1e6);
  };
  await run('first run', () => backup.run());
  for (let i = 0; i < IDLE_RUNS; i++) await run(IDLE, () => backup.run());
  await work.apply(source);
  await run(work.change, () => backup.run());
  note('stored after that, MB', Number(await sh(`du -sB1 ${quote(backup.stored)} | cut -f1`)) / 1e6);
  const target = await made(own, 'restored');
  await forget();
  let restored = target;
  await run('restore', async () => void (restored = await backup.restore(target)));
  await sh(`diff -r ${quote(source)} ${quote(restored)}`);
  note('most memory, MB', (await backup.peak()) / 1e6);
}

const IDLE = 'nothing changed';

function table({ name }: Work, versions: readonly string[], all: readonly Contestant[], figures: Figures): string {
  const rows = [...figures].map(([figure, values]) => {
    const [ours = NaN, ...others] = all.map((peer) => median(values.get(peer) ?? []));
    const cell = (value: number): string =>
      Number.isFinite(value) && Number.isFinite(ours) ? `${round(value)} (${round(value / ours)}×)` : round(value);
    return [figure, round(ours), ...others.map(cell)];
  });
  return markdown([name, ...versions], rows);
}

async function made(dir: string, name: string): Promise<string> {
  const path = join(dir, name);
  await mkdir(path);
  return path;
}
