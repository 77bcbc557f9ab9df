import { statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Cloud, Drive } from '../../lib/drive.ts';
import { markdown, median, round } from '../../lib/figures.ts';
import { appears } from '../turn.ts';

const CHANGES = 300;
/** Pause before each change, so that changes do not affect each other, ms. */
const PAUSE = 20;
const PATIENCE = 30_000;

/**
 * Measures the time from closing a new file on one mount until it is complete on another computer's. Resolves to a
 * table.
 */
export async function benchPush(dir: string, scale: number): Promise<string> {
  const cloud = await Cloud.start(join(dir, 'cloud'));
  const drives: Drive[] = [];
  try {
    for (const name of ['alpha', 'beta']) drives.push(await Drive.join(join(dir, name), cloud.address));
    const [from = '', to = ''] = drives.map(({ mount }) => join(mount, 'Sync/push'));
    await mkdir(from);
    await appears(to);
    const times: number[] = [];
    for (let i = 0; i < Math.ceil(CHANGES * scale); i++) times.push(await change(from, to, `change-${i}`));
    return table(times);
  } finally {
    for (const drive of drives) await drive.stop();
    await cloud.stop();
  }
}

async function change(from: string, to: string, name: string): Promise<number> {
  const text = `${name} `.repeat(100);
  const there = join(to, name);
  await sleep(PAUSE);
  await writeFile(join(from, name), text);
  const begin = performance.now();
  // The kernel caches that the name does not exist until it is notified, so polling costs the gateway nothing.
  while (statSync(there, { throwIfNoEntry: false })?.size !== text.length) {
    if (performance.now() - begin > PATIENCE) throw new Error(`${name} has not appeared on the other mount`);
    await (performance.now() - begin < 2 ? setImmediate() : sleep(1));
  }
  return performance.now() - begin;
}

function table(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? NaN;
  const cells = [median(times), p99, sorted.at(-1) ?? NaN].map(round);
  const head = `A change seen on another gateway (${times.length} changes)`;
  return markdown([head, 'median', 'p99', 'longest'], [['ms from close to seen', ...cells]]);
}
