import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Runs a module in a separate process until it has written a number of lines with `say(text)`, kills it with SIGKILL,
 * and resolves to all of its lines. The lines are written to a file, because a full pipe would keep some of them in the
 * child.
 */
export async function killAfter(lines: number, file: string, module: string): Promise<string[]> {
  writeFileSync(file, '');
  const say = `
    import { openSync as sayOpen, writeSync as sayWrite } from 'node:fs';
    const said = sayOpen(${JSON.stringify(file)}, 'a');
    const say = (text) => sayWrite(said, text + '\\n');`;
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', `${say}\n${module}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'close');
  const heard = (): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);
  while (child.exitCode === null && heard().length < lines) await sleep(5);
  child.kill('SIGKILL');
  await ended;
  return heard();
}
