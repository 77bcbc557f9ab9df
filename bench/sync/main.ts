import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attempt } from '../lib/attempt.ts';
import { markdown, median, round } from '../lib/figures.ts';
import { machine } from '../lib/machine.ts';
import { chosen, type BenchOptions } from '../lib/options.ts';
import { settle } from '../lib/shell.ts';
import type { Contestant } from './contestant.ts';
import { fjordDrive, fjordFolder } from './peers/fjord.ts';
import { syncthing } from './peers/syncthing.ts';
import { WORK } from './work.ts';

/** Fjord first: the others are quoted as its multiples. */
const PEERS: readonly Contestant[] = [fjordDrive, fjordFolder, syncthing];

/** A figure's values, by contestant. */
type Figures = Map<string, Map<Contestant, number[]>>;

/** How soon and with how many bytes a change on one computer is on another; resolves to Markdown. */
export async function benchSync({ rounds = 3, only, peers, scale }: BenchOptions): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fjord-bench-'));
  const contestants = PEERS.filter(({ id }) => chosen(peers, id));
  const versions = await Promise.all(contestants.map(async (peer) => `${peer.name} ${await peer.version()}`));
  const figures: Figures = new Map();
  try {
    for (let i = 0; i < rounds; i++) {
      for (const contestant of contestants) await takeTurn({ dir, contestant, only, scale, figures });
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
  const rows = [...figures].map(([figure, values]) => {
    const [ours = NaN, ...others] = contestants.map((peer) => median(values.get(peer) ?? []));
    return [figure, round(ours), ...others.map((value) => `${round(value)} (${round(value / ours)}×)`)];
  });
  const note = `Medians of ${rounds} rounds, programs in turn. In brackets: multiples of Fjord.`;
  return [`${await machine()}\n${note}`, markdown(['', ...versions], rows)].join('\n\n');
}

interface TurnOptions extends Pick<BenchOptions, 'only' | 'scale'> {
  readonly dir: string;
  readonly contestant: Contestant;
  readonly figures: Figures;
}

async function takeTurn({ dir, contestant, only, scale, figures }: TurnOptions): Promise<void> {
  const own = join(dir, contestant.id);
  const scratch = join(dir, 'scratch');
  await mkdir(own);
  const pair = await contestant.start(own);
  const note = (figure: string, value: number): void => {
    const row = figures.get(figure) ?? figures.set(figure, new Map()).get(figure);
    row?.set(contestant, [...(row.get(contestant) ?? []), value]);
  };
  try {
    for (const { id, run } of WORK.filter((work) => chosen(only, work.id))) {
      await mkdir(scratch);
      await settle();
      await attempt(`${id}: ${contestant.id}`, () => run({ pair, dir: scratch, scale, note }));
      await rm(scratch, { recursive: true });
    }
  } finally {
    await pair.stop();
    await rm(own, { recursive: true, force: true });
  }
}
