import { setMaxListeners } from 'node:events';
import { lstat, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import type { Command } from 'commander';
import { nanoseconds, type EntryAttributes, type TreeEntry } from '../../backup/restore/tree-entry.ts';
import type { TreeObserver } from '../../backup/restore/tree-writer.ts';
import type { ControlClient } from '../../daemon/control/client.ts';
import type { Listed } from '../../daemon/control/file-wire.ts';
import { Problem } from '../../daemon/problem.ts';
import { isGone } from '../../vfs/fs-error.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { shown } from '../format.ts';
import { GatewayContents } from '../gateway-contents.ts';
import { ProgressLine, summary } from '../progress-line.ts';
import { Tally } from '../tally.ts';

interface GetOptions extends DataOptions {
  readonly recursive?: true;
  readonly version?: string;
  readonly force?: true;
}

export function catCommand(cli: Cli): Command {
  return dataCommand('cat')
    .description('print files from the drive, sealed ones in /Archive included')
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
    .description('copy from the drive to this computer, sealed files in /Archive included')
    .argument('<path>', 'file or folder in the drive')
    .argument('[target]', 'where to; into it, if it is an existing folder; - is standard output', '.')
    .option('-r, --recursive', 'copy folders with everything in them')
    .option('--version <id>', 'id of an older version of a file (from `fjord versions`)')
    .option('-f, --force', 'replace existing files')
    .addHelpText(
      'after',
      examples(
        ['fjord get /Archive/2019/tax.pdf', 'into the current folder'],
        ['fjord get -r /Archive/2019 ~/restored', 'a whole folder'],
        ['fjord get --version 0192… /Sync/a.txt old.txt', 'an older version'],
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
    const fetch = new Fetch(cli, gateway, options);
    if (top.kind === 'folder') await fetch.folder(top, into);
    else await fetch.leaf(top, into);
  });
}

async function print(cli: Cli, gateway: ControlClient, path: string, { version }: GetOptions): Promise<void> {
  const { body } = await gateway.read({ path, sealed: true, ...(version === undefined ? {} : { version }) });
  for await (const chunk of body) await cli.terminal.write(chunk as Uint8Array);
}

/** One run of `get`. The first thing that fails ends it. */
class Fetch {
  readonly #gateway: ControlClient;
  readonly #options: GetOptions;
  readonly #tally = new Tally();
  readonly #progress: ProgressLine;
  readonly #cli: Cli;
  /** Stops the transfers in progress when one has failed. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;

  constructor(cli: Cli, gateway: ControlClient, options: GetOptions) {
    this.#cli = cli;
    this.#gateway = gateway;
    this.#options = options;
    this.#progress = new ProgressLine(cli.terminal, 'Fetching');
    this.#signal = AbortSignal.any([cli.signal, this.#stop.signal]);
    setMaxListeners(0, this.#signal);
  }

  /** @param into path of the folder itself */
  async folder(top: Listed, into: string): Promise<void> {
    // A folder that was there keeps its own attributes.
    const attributes = (await exists(into)) ? undefined : attributesOf(top);
    await this.#write(top.path, resolve(into), this.#below(top), attributes, true);
  }

  /** @param into path of the file or symlink itself */
  async leaf(top: Listed, into: string): Promise<void> {
    const [folder, name] = [dirname(resolve(into)), basename(into)];
    if (!(await exists(folder))) throw new Problem('not-found', `there is no folder ${folder}`);
    await this.#write(
      posix.dirname(top.path),
      folder,
      [entryOf(top, { depth: 0, path: top.name, name })],
      undefined,
      false,
    );
  }

  async #write(
    top: string,
    target: string,
    entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>,
    attributes: EntryAttributes | undefined,
    isTree: boolean,
  ): Promise<void> {
    const { version, force = false } = this.#options;
    // Imported only here, as they load native code, so that other commands start faster.
    const { AttributeWriter } = await import('../../backup/restore/attribute-writer.ts');
    const { TreeWriter } = await import('../../backup/restore/tree-writer.ts');
    const contents = new GatewayContents({ gateway: this.#gateway, top, version, signal: this.#signal });
    const writer = new TreeWriter({
      target,
      contents,
      attributes: new AttributeWriter({ inherits: false }),
      observer: this.#observer(target, isTree),
      overwrite: force,
      signal: this.#signal,
    });
    try {
      await writer.run(entries, attributes);
    } catch (error) {
      throw this.#stop.signal.aborted ? this.#stop.signal.reason : error;
    } finally {
      this.#progress.clear();
    }
    this.#cli.terminal.note(`fetched ${summary(this.#tally.done, this.#tally.elapsed)}`);
  }

  async *#below(top: Listed): AsyncGenerator<TreeEntry> {
    for await (const row of this.#gateway.list({ path: top.path, recursive: true })) {
      const path = posix.relative(top.path, row.path);
      if (row.kind === 'file') this.#tally.expect(row.size);
      yield entryOf(row, { depth: path.split('/').length - 1, path, name: localName(row.name) });
    }
  }

  #observer(target: string, isTree: boolean): TreeObserver {
    return {
      received: ({ path }, bytes) => {
        this.#tally.add(bytes);
        this.#progress.update(this.#tally.step(path));
      },
      done: ({ kind }) => void (kind === 'file' && this.#tally.finish()),
      failed: ({ path, kind }, error) => {
        // Removed since the folder was listed.
        if (isTree && kind === 'file' && isGone(error)) return this.#leftOut(path);
        const words = `${join(target, path)} already exists; use --force to replace it`;
        this.#stop.abort(error.code === 'EEXIST' ? new Problem('conflict', words) : error);
      },
    };
  }

  #leftOut(path: string): void {
    this.#progress.clear();
    this.#cli.terminal.note(`fjord: ${shown(path)}: skipped, because it was removed meanwhile`);
  }
}
function entryOf(row: Listed, place: Pick<TreeEntry, 'depth' | 'path' | 'name'>): TreeEntry {
  const { kind, size, version, target } = row;
  return {
    ...place,
    kind,
    size: kind === 'file' ? size : 0,
    version,
    hash: undefined,
    target,
    attributes: attributesOf(row),
  };
}

function attributesOf({ mode, mtime }: Listed): EntryAttributes {
  return { mode, mtime: nanoseconds(mtime) };
}

/** The name in a form that this system allows. A backslash must not become a path separator on Windows. */
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
