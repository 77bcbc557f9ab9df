import PQueue from 'p-queue';
import type { NodeRecord, SpaceRecord } from '../cloud/records.ts';
import type { Remote } from '../cloud/remote.ts';
import type { Context } from '../vfs/context.ts';
import { isFsError } from '../vfs/fs-error.ts';
import type { BackupIndex } from './backup-index.ts';
import { differingAttributes } from './decide.ts';
import type { Exclusions } from './exclusions.ts';
import type { ListingPage } from './listing.ts';
import { missingDisk } from './mount-points.ts';
import { mirroredOf, type Mirrored } from './mirrored.ts';
import { checkContent } from './restore/check-content.ts';
import type { SourceEntry } from './source-entry.ts';
import type { Look, Priority } from './source-thread.ts';
import { startSourceThread, type SourceThread } from './start-source-thread.ts';

/**
 * A difference between a folder and its mirror. `changed`: one of them has changed since the last run, or that has left it out.
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
  readonly priority: Priority;
  readonly context: Context;
  readonly onFinding: (finding: VerifyFinding) => void;
  readonly onProgress: (progress: VerifyProgress) => void;
}

const REPAIR = '`fjord backup run --repair` puts it back';
/** Contents that are read at a time. */
const READS = 4;

interface Folder {
  readonly id: string;
  /** Relative to the source. */
  readonly path: string;
}

interface Here {
  readonly at: string;
  readonly entry: SourceEntry;
}

/**
 * Compares a folder, the index of its mirror, what the cloud says that it has, attributes included, and the content of some of the
 * files, end to end. The folder is read on a thread of its own, for its disk may hang.
 * Changes nothing.
 */
export class Verification {
  readonly #options: VerifyOptions;
  readonly #source: SourceThread;
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #children = new Map<string, NodeRecord[]>();
  readonly #reads = new PQueue({ concurrency: READS });
  readonly #progress = { files: 0, bytes: 0 };
  /** By their ids: what the index knows and the cloud has not, or not there. */
  readonly #lost = new Map<string, string>();
  #disk: string | undefined;
  #error: unknown;

  constructor(options: VerifyOptions) {
    this.#options = options;
    this.#source = startSourceThread(options.folder, options.priority);
  }

  /** @throws ENOENT, EACCES about the folder itself; as `Remote`; EINTR when aborted */
  async run(): Promise<void> {
    const { space, context } = this.#options;
    const end = (): void => void this.#source.terminate();
    context.signal.addEventListener('abort', end, { once: true });
    try {
      context.signal.throwIfAborted();
      this.#disk = (await this.#source.request<Look>({ ask: 'look', path: '' }))?.disk;
      await this.#listCloud();
      await this.#folder({ id: space.root, path: '' });
      await this.#reads.onIdle();
      this.#check();
      await this.#judgeLost();
    } finally {
      context.signal.removeEventListener('abort', end);
      end();
    }
  }

  async #listCloud(): Promise<void> {
    const { space, remote, context } = this.#options;
    for await (const item of remote.snapshot(space.id, context)) {
      if (!('id' in item) || item.removed) continue;
      this.#nodes.set(item.id, item);
      const siblings = this.#children.get(item.parent);
      if (siblings) siblings.push(item);
      else this.#children.set(item.parent, [item]);
    }
  }

  /** A run beside this one may have put into the cloud what was not in its list. */
  async #judgeLost(): Promise<void> {
    if (this.#lost.size === 0) return;
    this.#nodes.clear();
    this.#children.clear();
    await this.#listCloud();
    const { index } = this.#options;
    const removed = await this.#removedInCloud();
    for (const [id, at] of this.#lost) {
      const known = index.get(id);
      const now = this.#nodes.get(id);
      if (now && known && isAt(now, known)) continue;
      if (now)
        this.#find(
          at,
          'only in the folder',
          'changed',
          `it was moved in the cloud, to ${this.#pathOf(now)}; ${REPAIR}`,
        );
      else if (removed(id)) this.#find(at, 'only in the folder', 'changed', `it was removed in the cloud; ${REPAIR}`);
      else {
        const reason = 'a run has put it into the cloud, which does not have it any more';
        this.#find(at, 'only in the folder', 'damage', reason);
      }
    }
  }

  /** What runs have seen removed, and what the cloud has removed since the last one. */
  async #removedInCloud(): Promise<(id: string) => boolean> {
    const { index, remote, context } = this.#options;
    const { state, drift } = index;
    await drift.load();
    const removed = new Set<string>();
    if (state === undefined) return () => false;
    let { cursor } = state;
    for (let more = true; more;) {
      more = false;
      for await (const record of remote.feed(state.space, cursor, context, state.marks)) {
        if ('cursor' in record) ({ cursor, more } = record);
        else if ('id' in record && record.removed) removed.add(record.id);
      }
    }
    return (id) => removed.has(id) || drift.get(id) === null;
  }

  #pathOf(node: NodeRecord): string {
    const names: string[] = [];
    for (let at: NodeRecord | undefined = node; at; at = this.#nodes.get(at.parent)) names.unshift(at.name);
    return names.join('/');
  }

  #check(): void {
    this.#options.context.signal.throwIfAborted();
    if (this.#error !== undefined) throw this.#error as Error;
  }

  async #folder({ id, path }: Folder): Promise<void> {
    const nodes = new Map((this.#children.get(id) ?? []).map((node) => [node.name, node]));
    for (let after: string | undefined, more = true; more;) {
      this.#check();
      const asked = this.#source.request<ListingPage>({ ask: 'list', folder: path, after, whole: true });
      const page = await asked.catch((error: unknown) => this.#unreadable(path, error));
      if (page === undefined) return;
      for (const { path: name, reason, skipped = false } of page.problems) {
        nodes.delete(name);
        if (!skipped) this.#find(join(path, name), 'unreadable', 'changed', `it cannot be read here (${reason})`);
      }
      for (const entry of page.entries) {
        this.#check();
        await this.#entry(id, { at: join(path, entry.name), entry }, nodes.get(entry.name));
        nodes.delete(entry.name);
      }
      after = page.next;
      more = after !== undefined;
    }
    for (const node of nodes.values()) this.#onlyThere(node, join(path, node.name));
  }

  /** @throws about the folder itself, and EINTR */
  #unreadable(path: string, error: unknown): undefined {
    if (path === '' || codeOf(error) === 'EINTR') throw error;
    this.#find(path, 'unreadable', 'changed', `the folder cannot be read here (${codeOf(error)})`);
  }

  async #entry(parent: string, here: Here, node: NodeRecord | undefined): Promise<void> {
    const { at, entry } = here;
    if (this.#options.exclusions.excludes(at, entry.kind === 'folder')) {
      if (node) this.#find(at, 'only in the cloud', 'changed', 'it is excluded since');
    } else if (!node) this.#onlyHere(parent, here);
    else if (!this.#isTaken(parent, here, node)) await this.#both(here, node);
  }

  #onlyHere(parent: string, { at, entry }: Here): void {
    const known = this.#options.index.at(parent, entry.name);
    if (known && isUnchanged(entry, known)) this.#lost.set(known.id, at);
    else if (known)
      this.#find(
        at,
        'only in the folder',
        'changed',
        'it was written here since the last run, and is not in the cloud',
      );
    else this.#find(at, 'only in the folder', 'changed', 'it is new since the last run, or could not be taken');
  }

  #onlyThere(node: NodeRecord, at: string): void {
    const known = this.#options.index.get(node.id);
    const missing = known && missingDisk(known, undefined);
    if (missing !== undefined) return this.#find(at, 'unreadable', 'changed', missing);
    const isOurs = known?.source !== undefined;
    if (isOurs && !isAt(node, known)) {
      const before = this.#options.index.path(known) ?? known.name;
      return this.#find(
        at,
        'only in the cloud',
        'changed',
        `it was moved there in the cloud, from ${before}; ${REPAIR}`,
      );
    }
    const reason = isOurs ? 'it was removed here since the last run' : 'this computer has not put it there';
    this.#find(at, 'only in the cloud', 'changed', reason);
  }

  /** Whether another node has the place of one that the index knows and that has not changed here. */
  #isTaken(parent: string, { at, entry }: Here, node: NodeRecord): boolean {
    const known = this.#options.index.at(parent, entry.name);
    if (!known || known.id === node.id || !isUnchanged(entry, known)) return false;
    this.#find(at, 'different', 'changed', `the cloud has another ${node.kind} in its place; ${REPAIR}`);
    return true;
  }

  async #both(here: Here, node: NodeRecord): Promise<void> {
    const { at, entry } = here;
    const known = this.#options.index.get(node.id);
    const isUnwritten = known?.source?.signature === entry.signature;
    if (isUnwritten && known.version === node.version) this.#compareAttributes(here, node);
    const missing = known && this.#children.has(node.id) ? missingDisk(known, entry) : undefined;
    if (missing !== undefined) return this.#find(at, 'unreadable', 'changed', missing);
    if (entry.kind !== node.kind) {
      return this.#find(at, 'different', 'changed', `it is a ${entry.kind} since, and was a ${node.kind}`);
    }
    if (entry.kind === 'folder') return this.#enter(here, node);
    if (entry.kind === 'symlink') {
      if (entry.target !== node.target) this.#find(at, 'different', 'changed', 'it leads elsewhere since');
      return;
    }
    this.#progress.files += 1;
    this.#options.onProgress(this.#progress);
    if (!isUnwritten) {
      // The index is made anew from the cloud once it is lost: then content alone tells.
      if (known?.source === undefined && (await this.#hash(at).catch(interrupted)) === node.hash)
        return this.#sample(at, node);
      return this.#find(at, 'different', 'changed', 'it was written here since the last run');
    }
    if (known.version !== node.version) {
      return this.#find(at, 'different', 'changed', `the cloud has another version of it since; ${REPAIR}`);
    }
    if (known.hash !== node.hash || entry.size !== node.size) {
      return this.#find(at, 'different', 'damage', 'the cloud has another content than the one that was sent');
    }
    return this.#sample(at, node);
  }

  /** Of what has not changed here since a run has sent it. */
  #compareAttributes({ at, entry }: Here, node: NodeRecord): void {
    const there = mirroredOf(node);
    // Mirrored by a program that did not keep them: the next run sends them.
    if (there.posix === undefined) return;
    const differing = differingAttributes(entry, there);
    if (differing.length === 0) return;
    const reason = `the cloud has other attributes of it since: ${differing.join(', ')}`;
    this.#find(at, 'different', 'changed', reason);
  }

  async #enter({ at, entry }: Here, node: NodeRecord): Promise<void> {
    if (this.#options.oneFileSystem && entry.disk !== this.#disk) return;
    await this.#folder({ id: node.id, path: at });
  }

  async #hash(path: string): Promise<string | undefined> {
    return this.#source.request<string | undefined>({ ask: 'hash', path });
  }

  /** Reads the content of the file on both sides, if chance says so. */
  async #sample(at: string, node: NodeRecord): Promise<void> {
    if (this.#options.random() >= this.#options.share) return;
    try {
      if ((await this.#hash(at)) !== node.hash) {
        const reason = 'its content here is another, though it looks as if it was never written';
        this.#find(at, 'different', 'damage', reason);
      }
    } catch (error) {
      interrupted(error);
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

/** Whether nobody has written an entry since a run has mirrored it; a folder is one, whatever is in it. */
function isUnchanged(entry: SourceEntry, { source, kind }: Mirrored): boolean {
  return source !== undefined && kind === entry.kind && (kind !== 'file' || source.signature === entry.signature);
}

function isAt({ parent, name }: NodeRecord, known: Mirrored): boolean {
  return parent === known.parent && name === known.name;
}

/** @throws EINTR; other errors are not this one's */
function interrupted(error: unknown): undefined {
  if (codeOf(error) === 'EINTR') throw error;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
