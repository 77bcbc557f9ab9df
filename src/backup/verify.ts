import { lstatSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import PQueue from 'p-queue';
import type { NodeRecord, SpaceRecord } from '../cloud/records.ts';
import type { Remote } from '../cloud/remote.ts';
import type { Context } from '../vfs/context.ts';
import { isFsError } from '../vfs/fs-error.ts';
import { readableName } from '../vfs/raw-name.ts';
import type { BackupIndex } from './backup-index.ts';
import { CloudState } from './cloud-state.ts';
import type { Exclusions } from './exclusions.ts';
import { checkContent } from './restore/check-content.ts';
import { localHash } from './restore/local-content.ts';
import { OpenFolder } from './restore/open-folder.ts';
import { differingAttributes } from './decide.ts';
import { Describer, signatureOf } from './describer.ts';
import { mirroredOf } from './mirrored.ts';

/**
 * A difference between a folder and its mirror. `changed`: the folder has changed since the last run, or that has left it out.
 * `damage`: a run has said that the cloud has it, and it has not, or what it has cannot be read; or the folder's content is
 * another although by its attributes it has not been written.
 */
export interface VerifyFinding {
  /** Relative to the folder. */
  readonly path: string;
  readonly what: 'only in the folder' | 'only in the cloud' | 'different' | 'unreadable';
  readonly cause: 'changed' | 'damage';
  readonly reason: string;
}

export interface VerifyProgress {
  readonly files: number;
  readonly bytes: number;
}

export interface VerifyOptions {
  readonly folder: string;
  readonly space: SpaceRecord;
  readonly remote: Remote;
  readonly index: BackupIndex;
  readonly exclusions: Exclusions;
  /** Folders on other disks are not looked into. */
  readonly oneFileSystem: boolean;
  /** Of how many of the files, 0 to 1, the content is read on both sides. */
  readonly share: number;
  readonly random: () => number;
  readonly context: Context;
  readonly onFinding: (finding: VerifyFinding) => void;
  readonly onProgress: (progress: VerifyProgress) => void;
}

/** Contents that are read at a time. */
const READS = 4;

interface Folder {
  readonly id: string;
  readonly path: string;
  readonly open: OpenFolder;
}

interface Here {
  readonly open: OpenFolder;
  readonly name: Buffer;
  readonly at: string;
  readonly stats: BigIntStats;
}

/**
 * Compares a folder, the index of its mirror, what the cloud says that it has, attributes included, and the content of some of the
 * files, end to end.
 * Changes nothing.
 */
export class Verification {
  readonly #options: VerifyOptions;
  readonly #children = new Map<string, NodeRecord[]>();
  readonly #describer: Describer;
  readonly #reads = new PQueue({ concurrency: READS });
  readonly #progress = { files: 0, bytes: 0 };
  /** By their ids: what the index knows and the cloud does not. */
  readonly #lost = new Map<string, string>();
  #disk = 0n;
  #error: unknown;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#describer = new Describer(options.folder);
  }

  /** @throws ENOENT, EACCES about the folder itself; as `Remote` */
  async run(): Promise<void> {
    const { folder, space, remote, context } = this.#options;
    for await (const item of remote.snapshot(space.id, context)) {
      if (!('id' in item) || item.removed) continue;
      const siblings = this.#children.get(item.parent);
      if (siblings) siblings.push(item);
      else this.#children.set(item.parent, [item]);
    }
    const open = OpenFolder.top(folder);
    try {
      this.#disk = lstatSync(open.self, { bigint: true }).dev;
      await this.#folder({ id: space.root, path: '', open });
    } finally {
      await this.#reads.onIdle();
      open.close();
    }
    this.#check();
    await this.#judgeLost();
  }

  /** A run beside this one may have put into the cloud what was not in its list. */
  async #judgeLost(): Promise<void> {
    const { space, remote, context } = this.#options;
    if (this.#lost.size === 0) return;
    for await (const item of remote.snapshot(space.id, context)) if ('id' in item) this.#lost.delete(item.id);
    const cloud = new CloudState(this.#options.index);
    for (const [id, at] of this.#lost) {
      const known = this.#options.index.get(id);
      if (known && cloud.now(known) !== known) {
        const reason = 'it was removed or moved in the cloud; `fjord backup run --repair` puts it back';
        this.#find(at, 'only in the folder', 'changed', reason);
        continue;
      }
      this.#find(
        at,
        'only in the folder',
        'damage',
        'a run has put it into the cloud, which does not have it any more',
      );
    }
  }

  #check(): void {
    this.#options.context.signal.throwIfAborted();
    if (this.#error !== undefined) throw this.#error as Error;
  }

  async #folder({ id, path, open }: Folder): Promise<void> {
    const { exclusions } = this.#options;
    const nodes = new Map((this.#children.get(id) ?? []).map((node) => [rawName(node).toString('latin1'), node]));
    for (const name of readdirSync(open.self, { encoding: 'buffer' })) {
      this.#check();
      const node = nodes.get(name.toString('latin1'));
      nodes.delete(name.toString('latin1'));
      const at = join(path, node?.name ?? readableName(name));
      const stats = lstatSync(open.at(name), { bigint: true, throwIfNoEntry: false });
      if (stats === undefined || !(stats.isFile() || stats.isDirectory() || stats.isSymbolicLink())) continue;
      if (exclusions.excludes(at, stats.isDirectory())) {
        if (node) this.#find(at, 'only in the cloud', 'changed', 'it is excluded since');
      } else if (node) await this.#both({ open, name, at, stats }, node);
      else this.#onlyHere(id, name, at, stats);
    }
    for (const node of nodes.values()) this.#onlyThere(node, join(path, node.name));
  }

  #onlyHere(parent: string, name: Buffer, at: string, stats: BigIntStats): void {
    const known = this.#options.index.at(parent, readableName(name));
    const isKnown = known?.source !== undefined && (!stats.isFile() || known.source.signature === signatureOf(stats));
    if (isKnown) this.#lost.set(known.id, at);
    else this.#find(at, 'only in the folder', 'changed', 'it is new since the last run, or could not be taken');
  }

  #onlyThere(node: NodeRecord, at: string): void {
    const isOurs = this.#options.index.get(node.id)?.source !== undefined;
    const reason = isOurs ? 'it was removed here since the last run' : 'this computer has not put it there';
    this.#find(at, 'only in the cloud', 'changed', reason);
  }

  async #both(here: Here, node: NodeRecord): Promise<void> {
    const { open, name, at, stats } = here;
    const known = this.#options.index.get(node.id);
    if (known?.source?.signature === signatureOf(stats)) this.#compareAttributes(here, node);
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'symlink';
    if (kind !== node.kind)
      return this.#find(at, 'different', 'changed', `it is a ${kind} since, and was a ${node.kind}`);
    if (kind === 'folder') return this.#enter(open, name, at, stats, node);
    if (kind === 'symlink') {
      const target = readlinkSync(open.at(name), { encoding: 'buffer' });
      if (!target.equals(rawTarget(node))) this.#find(at, 'different', 'changed', 'it leads elsewhere since');
      return;
    }
    this.#progress.files += 1;
    this.#options.onProgress(this.#progress);
    if (known?.source?.signature !== signatureOf(stats)) {
      // The index is made anew from the cloud once it is lost: then content alone tells.
      if (known?.source === undefined && (await this.#isSame(open, name, node))) return this.#sample(here, node);
      return this.#find(at, 'different', 'changed', 'it was written here since the last run');
    }
    if (known.version !== node.version) {
      return this.#find(at, 'different', 'changed', 'the cloud has another version of it since');
    }
    if (known.hash !== node.hash || Number(stats.size) !== node.size) {
      return this.#find(at, 'different', 'damage', 'the cloud has another content than the one that was sent');
    }
    return this.#sample(here, node);
  }

  /** Of what has not changed here since a run has sent it. */
  #compareAttributes({ open, name, at, stats }: Here, node: NodeRecord): void {
    const there = mirroredOf(node);
    // Mirrored by a program that did not keep them: the next run sends them.
    if (there.posix === undefined) return;
    try {
      const attrs = { ...this.#describer.attributes(stats, node.posix), ...this.#describer.ofPath(open.at(name)) };
      const differing = differingAttributes(attrs, there);
      if (differing.length === 0) return;
      this.#find(at, 'different', 'changed', `the cloud has other attributes of it since: ${differing.join(', ')}`);
    } catch (error) {
      this.#find(at, 'unreadable', 'changed', `its attributes cannot be read here (${codeOf(error)})`);
    }
  }

  async #isSame(open: OpenFolder, name: Buffer, node: NodeRecord): Promise<boolean> {
    const { signal } = this.#options.context;
    return (await localHash(open.at(name), signal).catch(() => undefined)) === node.hash;
  }

  async #enter(open: OpenFolder, name: Buffer, at: string, { dev }: BigIntStats, node: NodeRecord): Promise<void> {
    if (this.#options.oneFileSystem && dev !== this.#disk) return;
    let below: OpenFolder;
    try {
      below = open.child(name);
    } catch (error) {
      return this.#find(at, 'unreadable', 'changed', `the folder cannot be read here (${codeOf(error)})`);
    }
    try {
      await this.#folder({ id: node.id, path: at, open: below });
    } finally {
      below.close();
    }
  }

  /** Reads the content of the file on both sides, if chance says so. */
  async #sample({ open, name, at }: Here, node: NodeRecord): Promise<void> {
    if (this.#options.random() >= this.#options.share) return;
    const { context } = this.#options;
    // The folder is closed when the cloud answers.
    try {
      if ((await localHash(open.at(name), context.signal)) !== node.hash) {
        this.#find(
          at,
          'different',
          'damage',
          'its content here is another, though it looks as if it was never written',
        );
      }
    } catch (error) {
      this.#find(at, 'unreadable', 'damage', `it cannot be read here (${codeOf(error)})`);
    }
    await this.#reads.onSizeLessThan(1);
    void this.#reads.add(async () => {
      await this.#readThere(at, node).catch((error: unknown) => void (this.#error ??= error));
    });
  }

  async #readThere(at: string, node: NodeRecord): Promise<void> {
    const { remote, context } = this.#options;
    try {
      await checkContent(remote, node, context);
    } catch (error) {
      const isDamage = isFsError(error, 'EIO') || isFsError(error, 'ENOENT');
      if (!isDamage) throw error;
      const reason = error.reason ?? 'it cannot be read';
      return this.#find(at, 'unreadable', 'damage', `in the cloud: ${reason}`);
    }
    this.#progress.bytes += node.size;
    this.#options.onProgress(this.#progress);
  }

  #find(path: string, what: VerifyFinding['what'], cause: VerifyFinding['cause'], reason: string): void {
    this.#options.onFinding({ path, what, cause, reason });
  }
}

function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

function rawName({ name, posix }: NodeRecord): Buffer {
  return posix?.name === undefined ? Buffer.from(name) : Buffer.from(posix.name, 'base64');
}

function rawTarget({ target = '', posix }: NodeRecord): Buffer {
  return posix?.target === undefined ? Buffer.from(target) : Buffer.from(posix.target, 'base64');
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
