import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cloud, Drive } from '../../lib/drive.ts';
import { markdown, round } from '../../lib/figures.ts';
import { quote, timed } from '../../lib/shell.ts';
import { appears } from '../turn.ts';
import { fillCloud } from './cloud-tree.ts';

const SIZES = [10_000, 1_000_000];
/** How long a new drive may take to show everything, ms. */
const PATIENCE = 10 * 60_000;
/** How long the gateway is left idle, ms. */
const REST = 60_000;

/** Measures memory and start of a gateway with few and with many nodes. Resolves to a table. */
export async function benchScale(dir: string, scale: number): Promise<string> {
  const columns: [string, number][][] = [];
  for (const size of SIZES) {
    const nodes = Math.ceil(size * scale);
    columns.push(await measure(join(dir, `scale-${nodes}`), nodes));
  }
  const labels = columns[0]?.map(([label]) => label) ?? [];
  const rows = labels.map((label, i) => [label, ...columns.map((column) => round(column[i]?.[1] ?? NaN))]);
  return markdown(['A gateway with so many nodes', ...SIZES.map((size) => size.toLocaleString('en'))], rows);
}

async function measure(dir: string, nodes: number): Promise<[string, number][]> {
  const cloud = await Cloud.start(join(dir, 'cloud'));
  try {
    const [filling, last] = await seconds(() => fillCloud(cloud.address, nodes));
    const [first, drive] = await seconds(async () => {
      const drive = await Drive.join(join(dir, 'drive'), cloud.address);
      await appears(join(drive.mount, 'Sync', last), PATIENCE);
      return drive;
    });
    try {
      const fresh = await drive.memory();
      await drive.stop();
      const [start] = await seconds(async () => {
        await drive.start();
        await appears(join(drive.mount, 'Sync', last));
      });
      const started = await drive.memory();
      const find = await timed(`find ${quote(join(drive.mount, 'Sync'))} -size +8k`);
      const found = await drive.memory();
      await sleep(REST);
      return [
        ['filling the cloud through its API, s', filling],
        ['from login until a new device shows all, s', first],
        ['memory then, MB', fresh / 1e6],
        ['start, until a file deep down is found, s', start],
        ['memory then, MB', started / 1e6],
        ['`find -size` over all, cold, s', find],
        ['memory then, MB', found / 1e6],
        ['memory after a minute without work, MB', (await drive.memory()) / 1e6],
      ];
    } finally {
      await drive.stop();
    }
  } finally {
    await cloud.stop();
  }
}

async function seconds<T>(work: () => Promise<T>): Promise<[number, T]> {
  const begin = performance.now();
  const value = await work();
  return [(performance.now() - begin) / 1000, value];
}
