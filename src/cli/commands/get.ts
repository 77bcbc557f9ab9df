import { setMaxListeners } from 'node:events';
import { chmod, lstat, mkdir, rm, stat, symlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { Command } from 'commander';
import PQueue from 'p-queue';
import type { ControlClient, Download } from '../../daemon/control/client.ts';
import type { Listed } from '../../daemon/control/wire.ts';
import { Problem } from '../../daemon/problem.ts';
import { FileTimes } from '../../libc/file-times.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { ProgressLine, summary } from '../progress-line.ts';
import { exists as fileExists, saveFile } from '../save-file.ts';
import { Tally } from '../tally.ts';

/** Files that are fetched at a time; the gateway answers as many requests beside the listing. */
const FILES = 6;

interface GetOptions extends DataOptions {
  readonly recursive?: true;
  readonly version?: string;
  readonly force?: true;
}

export function catCommand(cli: Cli): Command {
  return dataCommand('cat')
    .description('print files of the drive, also what is sealed in /Archive')
    .argument('<path...>', 'files')
    .action((paths: string[], options: DataOptions) => cat(cli, paths, options));
}

async function cat(cli: Cli, paths: readonly string[], options: DataOptions): Promise<void> {
  await withGateway(cli, options, async (gateway) => {
    for (const path of paths) {
      const { body } = await gateway.read({ path, sealed: true });
      for await (const chunk of body) await cli.terminal.write(chunk as Uint8Array);
    }
  });
}

export function getCommand(cli: Cli): Command {
  return dataCommand('get')
    .description('copy from the drive to this computer, also what is sealed in /Archive')
    .argument('<path>', 'file or folder of the drive')
    .argument('[target]', 'where to; a folder that exists takes it in; - prints a file', '.')
    .option('-r, --recursive', 'folders with everything below')
    .option('--version <id>', 'an older version of a file (`fjord versions`)')
    .option('-f, --force', 'replace files that exist')
    .addHelpText(
      'after',
      examples(
        ['fjord get /Archive/2019/tax.pdf', 'into the current folder'],
        ['fjord get -r /Archive/2019 ~/restored', 'a whole folder'],
        ['fjord get --version 0192… /Sync/a.txt old.txt', 'as it was'],
      ),
    )
    .action((path: string, target: string, options: GetOptions) => get(cli, path, target, options));
}

async function get(cli: Cli, path: string, target: string, options: GetOptions): Promise<void> {
  await withGateway(cli, options, async (gateway) => {
    const top = await gateway.stat(path);
    if (target === '-') return print(cli, gateway, path, options);
    if (top.kind === 'folder' && !options.recursive) {
      throw new Problem('usage', `${path} is a folder; use \`fjord get -r\``);
    }
    const into = (await isFolder(target)) && top.name !== '' ? join(target, localName(top.name)) : target;
    await new Fetch(cli, gateway, options).tree(top, into);
  });
}

async function print(cli: Cli, gateway: ControlClient, path: string, { version }: GetOptions): Promise<void> {
  const { body } = await gateway.read({ path, sealed: true, ...(version === undefined ? {} : { version }) });
  for await (const chunk of body) await cli.terminal.write(chunk as Uint8Array);
}

/** One run of `get`. */
class Fetch {
  readonly #gateway: ControlClient;
  readonly #options: GetOptions;
  readonly #tally = new Tally();
  readonly #progress: ProgressLine;
  readonly #cli: Cli;
  /** Ends what is under way when something has failed. */
  readonly #stop = new AbortController();
  readonly #ended: AbortSignal;
  readonly #times = new FileTimes();

  constructor(cli: Cli, gateway: ControlClient, options: GetOptions) {
    this.#cli = cli;
    this.#gateway = gateway;
    this.#options = options;
    this.#progress = new ProgressLine(cli.terminal, 'Fetching');
    this.#ended = AbortSignal.any([cli.signal, this.#stop.signal]);
    setMaxListeners(0, this.#ended);
  }

  async tree(top: Listed, into: string): Promise<void> {
    const isNew = top.kind === 'folder' && !(await exists(into));
    try {
      await this.#item(top, into);
      if (top.kind === 'folder') await this.#below(top, into);
      if (isNew) await this.#finishFolder(into, top);
    } finally {
      this.#progress.clear();
    }
    this.#cli.terminal.note(`fetched ${summary(this.#tally.done, this.#tally.elapsed)}`);
  }

  async #below(top: Listed, into: string): Promise<void> {
    const folders: [string, Listed][] = [];
    const files = new PQueue({ concurrency: FILES });
    try {
      for await (const row of this.#gateway.list({ path: top.path, recursive: true })) {
        const names = posix.relative(top.path, row.path).split('/');
        const at = join(into, ...names.map(localName));
        if (row.kind === 'folder') folders.push([at, row]);
        if (row.kind === 'file') await this.#behind(files, row, at);
        else await this.#item(row, at);
        this.#ended.throwIfAborted();
      }
    } finally {
      await files.onIdle();
    }
    this.#ended.throwIfAborted();
    // Writing into a folder changes its time, and its mode may forbid it: so both come last, the deepest first.
    for (const [at, row] of folders.toReversed()) await this.#finishFolder(at, row);
  }

  /** Fetches a file beside others, when one of them is done; the first that fails ends all. */
  async #behind(files: PQueue, row: Listed, at: string): Promise<void> {
    await files.onSizeLessThan(1);
    files.add(() => this.#member(row, at)).catch((error: unknown) => this.#stop.abort(error));
  }

  /** Fetches a file of a folder; one that was removed since the folder was listed is named and left out. */
  async #member({ path }: Listed, at: string): Promise<void> {
    await this.#free(at);
    const opened = await this.#gateway.readIfThere({ path, sealed: true });
    if (opened !== undefined) return this.#save(path, opened, at);
    this.#progress.clear();
    this.#cli.terminal.note(`fjord: ${path}: was removed meanwhile; left out`);
  }

  async #item(row: Listed, at: string): Promise<void> {
    if (row.kind === 'folder') await mkdir(at, { recursive: true });
    else if (row.kind === 'symlink') await this.#symlink(row, at);
    else await this.#file(row, at);
  }

  async #symlink({ target = '', mtime }: Listed, at: string): Promise<void> {
    await this.#free(at);
    await symlink(target, at);
    this.#times.set(at, mtime);
  }

  async #finishFolder(at: string, { mode, mtime }: Listed): Promise<void> {
    await chmod(at, mode);
    this.#times.set(at, mtime);
  }

  async #file({ path }: Listed, at: string): Promise<void> {
    await this.#free(at);
    const { version } = this.#options;
    const opened = await this.#gateway.read({ path, sealed: true, ...(version === undefined ? {} : { version }) });
    await this.#save(path, opened, at);
  }

  async #save(path: string, { file, body }: Download, at: string): Promise<void> {
    this.#tally.expect(file.size);
    const force = this.#options.force === true;
    await saveFile(this.#counted(body, path), file, { at, force, signal: this.#ended, times: this.#times });
    this.#tally.finish();
  }

  async *#counted(body: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      this.#tally.add(chunk.length);
      this.#progress.update(this.#tally.step(path));
      yield chunk;
    }
  }

  async #free(at: string): Promise<void> {
    if (!(await exists(at))) return;
    if (!this.#options.force) throw fileExists(at);
    await rm(at, { force: true });
  }
}

/** The name as this system can have it; separators of Windows must not make folders. */
function localName(name: string): string {
  if (process.platform !== 'win32') return name;
  return name.replaceAll(/[<>:"\\|?*]/g, '_');
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
