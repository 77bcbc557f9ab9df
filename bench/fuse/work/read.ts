import { join } from 'node:path';
import { forget, quote, settle, sh, timed } from '../../lib/shell.ts';
import { appears, type Work } from '../turn.ts';

const NAME = 'supplied';
const SECONDS = 4;
const COLD = 'cat of 1 GiB, cold';
const CURL = 'curl of the same from the store';
const WARM = 'cat of 1 GiB, warm';
const RANDOM = 'random 4 KiB reads, warm';

/** Reads a file that was put into the store by another device, for the first time and again. */
export const read: Work = {
  id: 'cat',
  rows: [
    { figure: COLD, unit: 'MB/s' },
    { figure: CURL, unit: 'MB/s' },
    { figure: WARM, unit: 'MB/s' },
    { figure: RANDOM, unit: '/s' },
  ],
  run: async ({ mounted, material, note }) => {
    const path = join(mounted.dir, NAME);
    const { bytes } = material.big;
    const speed = async (line: string): Promise<number> => bytes / (await timed(line)) / 1e6;
    const { curl } = await mounted.supply(NAME, bytes);
    await mounted.restart(true);
    // The store has the file in memory, for curl as well. For file systems whose store is the disk, it must be dropped
    // from there.
    if (curl === undefined) await forget();
    else await settle();
    await appears(path);
    note(COLD, await speed(`cat ${quote(path)}`));
    if (curl !== undefined) note(CURL, await speed(`curl -sS --fail ${curl.map(quote).join(' ')}`));
    await settle();
    await sh(`cat ${quote(path)} >/dev/null`);
    for (let i = 0; i < 3; i++) note(WARM, await speed(`cat ${quote(path)}`));
    note(RANDOM, await random(path));
    await sh(`rm ${quote(path)}`);
  },
};

/** Random reads per second by one process; the kernel may have the file in memory. */
async function random(path: string): Promise<number> {
  const job = `--name=random --filename=${quote(path)} --rw=randread --bs=4k --ioengine=psync --invalidate=0 --readonly`;
  const text = await sh(`fio ${job} --time_based --runtime=${SECONDS} --output-format=json`);
  const { jobs } = JSON.parse(text.slice(text.indexOf('{'))) as { jobs: { read: { iops: number } }[] };
  return jobs[0]?.read.iops ?? NaN;
}
