import { join } from 'node:path';
import t from 'tap';
import { runCommand } from '../helpers/run-command.ts';

const MODULE = join(import.meta.dirname, '../../src/cli/prepare-v8.ts');

/** Prints the CPU time of a tick, in ns, the best of several after eight collections. */
const MEASURE = `
  const idle = () => new Promise((resolve) => setTimeout(resolve, 10));
  const ticks = async () => {
    const begin = process.cpuUsage();
    for (let i = 0; i < 4000; i++) {
      await new Promise((resolve) => {
        let left = 50;
        const done = () => --left === 0 && resolve();
        for (let k = 0; k < 50; k++) process.nextTick(done);
      });
    }
    return process.cpuUsage(begin).user / 200;
  };
  for (let i = 0; i < 8; i++) {
    await ticks();
    await idle();
    gc();
    await idle();
  }
  await ticks();
  console.log(Math.min(await ticks(), await ticks(), await ticks()));
`;

t.test('a tick stays fast after collections that found none alive', async (t) => {
  const prepared = await measure(`await (await import(${JSON.stringify(MODULE)})).prepareV8();`);
  const plain = await measure('');
  t.ok(prepared < 0.6 * plain, `${prepared} ns instead of ${plain}`);
});

async function measure(before: string): Promise<number> {
  const args = ['--import', 'tsx', '--expose-gc', '--input-type=module', '-e', before + MEASURE];
  return Number((await runCommand(process.execPath, args)).trim());
}
