import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { program } from '../helpers/gateway-process.ts';
import { tryCommand } from '../helpers/run-command.ts';

/** A person who types looks again, too; ms. */
const TIMEOUT = 120_000;

interface Line {
  readonly command: string;
  /** What it prints in the end, in which `*` is anything; undefined if that does not matter. */
  readonly prints: string | undefined;
}

const page = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
const [, tour = ''] = /^## A tour in ten minutes\n([\s\S]*?)^## /m.exec(page) ?? [];
const lines: readonly Line[] = [...tour.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  .flatMap(([, block = '']) => block.split('\n'))
  .filter((line) => line !== '')
  .map((line) => {
    const [command = '', prints] = line.split(' # ');
    return { command, prints };
  });

/** One bash in a home of its own, in which `fjord` is the program. */
class Shell {
  readonly #child: ChildProcess;
  #output = '';
  #commands = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
  }

  static async start(t: Test): Promise<Shell> {
    const home = mkdtempSync(join(tmpdir(), 'fjord-tour-'));
    mkdirSync(join(home, 'bin'));
    const fjord = join(home, 'bin/fjord');
    const args = [process.execPath, ...program].map((word) => `'${word}'`).join(' ');
    writeFileSync(fjord, `#!/bin/sh\nexec ${args} "$@"\n`);
    chmodSync(fjord, 0o755);
    const env = {
      ...process.env,
      HOME: home,
      PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`,
      LC_ALL: 'C',
      NO_COLOR: '1',
      FJORD_CONFIG: join(import.meta.dirname, '../helpers/empty.toml'),
    };
    // In a group of its own, so that nothing that it has started outlives the test.
    const child = spawn('bash', ['--norc'], { cwd: home, env, detached: true, stdio: 'pipe' });
    t.teardown(async () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      for (const device of ['laptop', 'desktop', 'bob']) {
        await tryCommand('umount', ['-l', join(home, 'tour', device, 'mount')]);
      }
      rmSync(home, { recursive: true });
    });
    return new Shell(child);
  }

  /** Types a line until it succeeds and prints that. @throws Error with what it printed at last, after two minutes */
  async until(command: string, prints: string | undefined): Promise<void> {
    const wanted = prints === undefined ? /^/ : pattern(prints);
    for (const end = Date.now() + TIMEOUT; ; await sleep(200)) {
      const { code, output } = await this.#type(command);
      if (code === 0 && wanted.test(output)) return;
      if (Date.now() > end) throw new Error(`it ended with ${code} and printed:\n${output}`);
    }
  }

  async #type(command: string): Promise<{ code: number; output: string }> {
    this.#output = '';
    const mark = `end-of-command-${++this.#commands}`;
    this.#child.stdin?.write(`${command}\nprintf '\\n${mark} %s\\n' "$?"\n`);
    const done = new RegExp(`\\n${mark} (\\d+)\\n`);
    for (;;) {
      const found = done.exec(this.#output);
      if (found !== null) return { code: Number(found[1]), output: this.#output.slice(0, found.index).trim() };
      if (this.#child.exitCode !== null) throw new Error(`the shell has ended:\n${this.#output}`);
      await sleep(10);
    }
  }
}

/** Words with the same space between them, of which `*` is any text. */
function pattern(words: string): RegExp {
  const parts = words.split('*').map((part) => part.replaceAll(/[.()?[\]/\\^$+|{}]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^]*').replaceAll(/ +/g, String.raw`\s+`)}$`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

t.setTimeout(500_000);

t.test('every line of the tour does what the page says', { skip: withoutFuse() }, async (t) => {
  const shell = await Shell.start(t);
  const port = String(await freePort());
  t.ok(lines.length > 30, 'the page has lines');
  for (const line of lines) {
    const command = line.command.replaceAll('4200', port);
    await t.resolves(shell.until(command, line.prints), command);
  }
});
