import { createReadStream } from 'node:fs';
import { lstat, opendir, readlink } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { basename, join, posix, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { ControlClient } from '../../daemon/control/client.ts';
import { Problem } from '../../daemon/problem.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { ProgressLine, summary } from '../progress-line.ts';
import { Tally } from '../tally.ts';

interface PutOptions extends DataOptions {
  readonly recursive?: true;
}

export function putCommand(cli: Cli): Command {
  return dataCommand('put')
    .description('copy from this computer into the drive')
    .usage('[options] <source...> <path>')
    .argument(
      '<path...>',
      'files or folders on this computer (- is standard input), then the target; into it, if it is an existing folder',
    )
    .option('-r, --recursive', 'copy folders with everything in them')
    .addHelpText(
      'after',
      examples(
        ['fjord put report.pdf /Sync', 'as /Sync/report.pdf'],
        ['fjord put -r ~/Pictures /Archive', 'a whole folder'],
        ['pg_dump shop | fjord put - /Archive/shop.sql', 'from a program'],
      ),
    )
    .action((paths: string[], options: PutOptions) => put(cli, paths.slice(0, -1), paths.at(-1) ?? '', options));
}

async function put(cli: Cli, sources: readonly string[], path: string, options: PutOptions): Promise<void> {
  if (sources.length === 0) throw new Problem('usage', 'the target is missing; for example: `fjord put FILE /Sync`');
  await withGateway(cli, options, async (gateway) => {
    const folder = await gateway.isFolder(path);
    if (folder && sources.includes('-'))
      throw new Problem('usage', `${path} is a folder; add the name of the file to write standard input to`);
    if (!folder && (sources.length > 1 || path.endsWith('/'))) {
      throw new Problem('not-found', `${path} is not a folder in the drive; several sources need one as their target`);
    }
    const send = new Send(cli, gateway);
    await send.all(sources, (source) => (folder ? posix.join(path, basename(resolve(source))) : path), options);
  });
}

/** One run of `put`. */
class Send {
  readonly #cli: Cli;
  readonly #gateway: ControlClient;
  readonly #tally = new Tally();
  readonly #progress: ProgressLine;

  constructor(cli: Cli, gateway: ControlClient) {
    this.#cli = cli;
    this.#gateway = gateway;
    this.#progress = new ProgressLine(cli.terminal, 'Copying');
  }

  async all(sources: readonly string[], target: (source: string) => string, { recursive }: PutOptions): Promise<void> {
    try {
      for (const source of sources) {
        if (source === '-') await this.#stream(target(source), this.#cli.terminal.stdin, {});
        else await this.#item(source, await statOf(source), target(source), recursive ?? false);
      }
    } finally {
      this.#progress.clear();
    }
    this.#cli.terminal.note(
      `copied ${summary(this.#tally.done, this.#tally.elapsed)}; \`fjord flush\` waits for the cloud`,
    );
  }

  async #item(source: string, stat: Stats, path: string, recursive: boolean): Promise<void> {
    if (stat.isSymbolicLink()) return this.#gateway.symlink(path, await readlink(source));
    if (stat.isDirectory()) return this.#folder(source, path, recursive);
    if (!stat.isFile())
      return this.#cli.terminal.note(`fjord: ${source}: skipped, because it is not a file, folder or link`);
    this.#tally.expect(stat.size);
    await this.#stream(path, createReadStream(source), { mode: stat.mode & 0o7777, mtime: stat.mtimeMs });
  }

  async #folder(source: string, path: string, recursive: boolean): Promise<void> {
    if (!recursive) throw new Problem('usage', `${source} is a folder; use \`fjord put -r\``);
    await this.#gateway.mkdir(path);
    for await (const { name } of await opendir(source)) {
      const at = join(source, name);
      await this.#item(at, await statOf(at), posix.join(path, name), recursive);
    }
  }

  async #stream(path: string, body: Readable, attr: { mode?: number; mtime?: number }): Promise<void> {
    await this.#gateway.write({ path, ...attr }, Readable.from(this.#counted(body, path), { objectMode: false }));
    this.#tally.finish();
  }

  async *#counted(body: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      this.#tally.add(chunk.length);
      this.#progress.update(this.#tally.step(path));
      yield chunk;
    }
  }
}

async function statOf(path: string): Promise<Stats> {
  try {
    return await lstat(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Problem(
      missing ? 'not-found' : 'refused',
      `${path}: ${missing ? 'there is no such file' : 'it cannot be read; check its permissions'}`,
      {
        cause: error,
      },
    );
  }
}
