import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';

interface OpenOptions extends DataOptions {
  readonly print?: true;
}

/** How long the browser may take to read the file with the link, ms. */
const TO_READ = 10_000;

/** The program of each system that opens an address in the browser. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['xdg-open'],
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

export function openCommand(cli: Cli): Command {
  return dataCommand('open')
    .description('open the status page of this computer in a browser')
    .option('--print', 'only print the link')
    .addHelpText(
      'after',
      '\nThe link signs in the browser that opens it first, within five minutes, until Fjord ends.\n' +
        examples(['fjord open', 'in the default browser'], ['fjord open --print', 'to copy it into another one']),
    )
    .action((options: OpenOptions) =>
      withGateway(cli, options, async (gateway) => {
        const link = await gateway.openPage();
        if (options.print || !(await isOpened(link, cli))) await cli.terminal.print(link);
      }),
    );
}

/**
 * Whether a browser was started; there is none without a screen. Other users can see the arguments of programs: the browser gets the
 * link from a file that only this user can read.
 */
async function isOpened(link: string, { env, terminal }: Cli): Promise<boolean> {
  const [program, ...args] = OPENERS[process.platform] ?? [];
  const hasScreen =
    process.platform !== 'linux' || env['DISPLAY'] !== undefined || env['WAYLAND_DISPLAY'] !== undefined;
  if (program === undefined || !hasScreen) return false;
  const folder = await mkdtemp(join(tmpdir(), 'fjord-'));
  const file = join(folder, 'open.html');
  await writeFile(file, `<!doctype html><meta http-equiv="refresh" content="0; url=${link}">`, { mode: 0o600 });
  try {
    const [code] = (await once(spawn(program, [...args, file], { stdio: 'ignore' }), 'exit')) as [number | null];
    if (code !== 0) return false;
    terminal.note('if no page opens, use the link of `fjord open --print`');
    // The browser reads the file some time after the program that was asked to open it has ended.
    await sleep(TO_READ);
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true });
  }
}
