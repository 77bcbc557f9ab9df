import { compareUtf8 } from '../cache/db/table.ts';
import { assign } from '../vfs/assign.ts';
import { wordsOf } from '../vfs/words-of.ts';
import type { ChangedNames } from '../watch/quiet-paths.ts';
import type { BackupIndex } from './backup-index.ts';
import type { CloudState } from './cloud-state.ts';
import type { Changes, ReadContent, EntryPlace } from './changes.ts';
import type { Committer } from './committer.ts';
import { decide, sameAttrs, type Decision } from './decide.ts';
import type { Exclusions } from './exclusions.ts';
import { isSameFolder, type FolderMark, type ListingPage } from './listing.ts';
import { OTHER_FOLDER } from './halt.ts';
import type { MassGuard } from './mass-guard.ts';
import { nameInTheWay, type Mender } from './mender.ts';
import { markOf, type Mirrored } from './mirrored.ts';
import { isMountPoint, NOT_MOUNTED, type MountPoints } from './mount-points.ts';
import type { Moves } from './moves.ts';
import { OtherNames } from './other-names.ts';
import type { LeftInFolder } from './new-file-reader.ts';
import type { NewFiles } from './new-files.ts';
import type { ReadOutcome } from './segment-reader.ts';
import { hasVanished, type SourceAttributes, type SourceEntry, type SourceMark } from './source-entry.ts';
import type { Tally } from './tally.ts';
import type { Look } from './source-thread.ts';
import type { SourceThread } from './start-source-thread.ts';
import type { Transfer } from './transfer.ts';

export interface WalkOptions {
  readonly root: string;
  readonly index: BackupIndex;
  readonly scanner: SourceThread;
  readonly changes: Changes;
  readonly committer: Committer;
  readonly transfer: Transfer;
  readonly mountPoints: MountPoints;
  readonly moves: Moves;
  readonly cloud: CloudState;
  readonly mender: Mender;
  /** Fills the mirror, if nothing is in it. */
  readonly newFiles: NewFiles | undefined;
  readonly tally: Tally;
  readonly guard: MassGuard;
  readonly exclusions: Exclusions;
  /** Folders on other disks are not looked into, if this is given. */
  readonly disk: string | undefined;
}

interface Folder {
  readonly id: string;
  /** Relative to the source; '' for the source itself. */
  readonly path: string;
  /** Whether it was created in this run, so that it is empty in the mirror. */
  readonly fresh: boolean;
  /** Folders in it that are in the mirror are not looked into. */
  readonly shallow?: boolean;
  /** What the folder above has seen of it; of one that was not looked at, what the index says. */
  readonly mark?: FolderMark | undefined;
  /** It is not the one that was expected, or in one that is not: nothing in it counts as missing. */
  readonly doubtful?: boolean;
  /** It is on another disk than it was: what has to be done if its files are still there. */
  readonly settle?: (() => void) | undefined;
}

/** Folders that are compared at the same time, so that others proceed while one waits for the disk. */
const FOLDERS = 8;
/** Names of a folder that are looked at together. */
const NAMES = 1000;

/**
 * Compares the source with the mirror, folder by folder, parents before children, both sides in the order of names, a
 * thousand entries at a time. Differences become changes. Missing entries are only collected; the caller removes them. What may become of one
 * entry (new, changed, moved here, moved away, read again) is decided with one state, so it is not cut apart.
 */
export class Walk {
  readonly #options: WalkOptions;
  readonly #pending: Folder[] = [];
  /** Ids of nodes whose files were not found, and the folders in which they were not. */
  readonly missing = new Map<string, FolderMark>();
  /** Folders of which it was said that others took their places. */
  readonly #doubted = new Set<string>();
  /** Folders that are new at their places in this run. */
  readonly #created = new Set<string>();
  /** What could not be looked at in a run of some names: what is in it need not be tried. */
  #unseen: Set<string> | undefined;
  /** In a run of some names. */
  #otherNames: OtherNames | undefined;
  /** Files that were written while they were read. */
  #restless: (() => void)[] = [];
  /** Number of files of the mirror that were compared. */
  files = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** Compares everything. */
  async run(): Promise<void> {
    const { newFiles, root } = this.#options;
    if (newFiles !== undefined) {
      const take = (most: number) => this.#pending.splice(-most);
      await newFiles.run({ id: root, path: '' }, { mirror: async (left) => this.#mirror(left), take });
      return this.#drain();
    }
    this.#pending.push({ id: this.#options.root, path: '', fresh: false });
    await this.#drain();
  }

  /** Compares what has these names; of a folder that is in the mirror already, not what is in it. */
  async runSome(scope: ChangedNames): Promise<void> {
    this.#unseen = new Set();
    this.#otherNames = new OtherNames(this.#options.index);
    await this.#runScope(scope);
    await this.#runScope(await this.#otherNames.left());
  }

  async #runScope(scope: ChangedNames): Promise<void> {
    // Parents first: a folder that has moved takes along what is in it.
    for (const [path, names] of [...withFolders(scope)].sort(([a], [b]) => compareUtf8(a, b))) {
      const place = this.#locate(path, names);
      if (!place) continue;
      if (place.names === 'all') this.#pending.push(place.folder);
      else await this.#some(place.folder, [...place.names]);
      await this.#drain();
    }
  }

  async #drain(): Promise<void> {
    const active = new Set<Promise<void>>();
    try {
      while (this.#pending.length > 0 || active.size > 0) {
        const folder = active.size < FOLDERS ? this.#pending.pop() : undefined;
        if (folder) {
          const task = this.#folder(folder).finally(() => active.delete(task));
          active.add(task);
        } else await Promise.race(active);
      }
    } finally {
      this.#pending.length = 0;
      await Promise.allSettled(active);
    }
  }

  /** Reads files again that were written while they were read. Returns their number. */
  again(): number {
    const restless = this.#restless;
    this.#restless = [];
    for (const retry of restless) retry();
    return restless.length;
  }

  /**
   * The folder of the mirror for a path, or the nearest above with the name that leads there; undefined if it is excluded,
   * cannot be looked at, or is new in this run, which has seen all that is in it.
   */
  #locate(path: string, names: Set<string> | 'all'): { folder: Folder; names: Set<string> | 'all' } | undefined {
    const { index, root, moves, exclusions } = this.#options;
    let folder: Folder = { id: root, path: '', fresh: false, shallow: true };
    for (const name of path === '' ? [] : path.split('/')) {
      const below = pathIn(folder, name);
      if (exclusions.excludes(below, true) || this.#unseen?.has(below) === true) return undefined;
      const node = index.at(folder.id, name);
      if (this.#created.has(`${folder.id}/${name}`)) return undefined;
      if (node?.kind !== 'folder' || moves.hasLeft(node)) return { folder, names: new Set([name]) };
      folder = { id: node.id, path: below, fresh: false, shallow: true, mark: node.source };
    }
    return { folder, names };
  }

  async #some(folder: Folder, names: readonly string[]): Promise<void> {
    const { scanner, index, moves, committer, transfer } = this.#options;
    await committer.room();
    await transfer.room();
    const asked = scanner.request<ListingPage | undefined>({ ask: 'some', folder: folder.path, names });
    const page = await asked.catch((error: unknown) => this.#unreadable(folder.path, error));
    if (!page) return;
    const nodes = folder.fresh
      ? []
      : names.map((name) => index.at(folder.id, name)).filter((node) => node !== undefined);
    const here = nodes.filter((node) => !moves.hasLeft(node)).sort((a, b) => compareUtf8(a.name, b.name));
    await this.#compare(folder, page, here);
  }

  /** Of a folder that has nothing in the mirror some names, or all that is in it. */
  async #mirror({ folder: { id, path }, names }: LeftInFolder): Promise<void> {
    const folder: Folder = { id, path, fresh: true };
    if (names === undefined) return this.#folder(folder);
    for (let at = 0; at < names.length; at += NAMES) await this.#some(folder, names.slice(at, at + NAMES));
  }

  async #folder(folder: Folder): Promise<void> {
    const { scanner, tally, committer, transfer, mountPoints } = this.#options;
    for (let after: string | undefined, more = true; more;) {
      await committer.room();
      await transfer.room();
      const asked = scanner.request<ListingPage>({ ask: 'list', folder: folder.path, after });
      const page = await asked.catch((error: unknown) => this.#unreadable(folder.path, error));
      if (!page) return;
      if (after === undefined && folder.settle) {
        if (page.entries.length === 0 && !mountPoints.isConfirmed && !(await this.#isEmpty(folder))) {
          return tally.problem(folder.path, NOT_MOUNTED);
        }
        folder.settle();
      }
      await this.#page(folder, page, after);
      after = page.next;
      more = page.next !== undefined;
    }
  }

  /** What is in the mirror for it stays. @throws if it is the source folder itself, or the run was ended */
  #unreadable(path: string, error: unknown): undefined {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EINTR' || path === '') throw error;
    // The folder above says in the next run that it has gone.
    if (!hasVanished({ code })) this.#options.tally.problem(path, wordsOf(error));
  }

  async #isEmpty({ id }: Folder): Promise<boolean> {
    for await (const _ of this.#options.index.children(id)) return false;
    return true;
  }

  async #page(folder: Folder, page: ListingPage, after: string | undefined): Promise<void> {
    const nodes = folder.fresh ? [] : this.#options.index.children(folder.id, after, page.next);
    await this.#compare(folder, page, nodes);
  }

  /** Goes through both sides, each in the order of names. */
  async #compare(
    expected: Folder,
    page: ListingPage,
    nodes: AsyncIterable<Mirrored> | Iterable<Mirrored>,
  ): Promise<void> {
    const { tally, exclusions, moves } = this.#options;
    const folder = this.#asListed(expected, page);
    const problems = page.problems.filter(({ path }) => !exclusions.excludes(pathIn(folder, path), false));
    const entries = page.entries.filter(
      ({ name, kind }) => !exclusions.excludes(pathIn(folder, name), kind === 'folder'),
    );
    for (const { path, reason, skipped } of problems) {
      tally.problem(pathIn(folder, path), reason, skipped);
      this.#unseen?.add(pathIn(folder, path));
    }
    const unreadable = new Set(problems.map(({ path }) => path));
    let at = 0;
    const upTo = async (name: string | undefined) => {
      for (; at < entries.length; at++) {
        const entry = entries[at] as SourceEntry;
        if (name !== undefined && compareUtf8(entry.name, name) >= 0) return;
        await this.#entry(folder, entry, undefined);
      }
    };
    for await (const node of nodes) {
      if (moves.hasLeft(node)) continue;
      if (node.kind === 'file') this.files += 1;
      await upTo(node.name);
      const entry = entries[at]?.name === node.name ? entries[at++] : undefined;
      if (entry) await this.#entry(folder, entry, node);
      else if (!unreadable.has(node.name)) this.#miss(folder, node);
    }
    await upTo(undefined);
  }

  /** What a page has seen of its folder. In a run of some names nothing has looked at it, and it may have been made anew. */
  #asListed(folder: Folder, { folder: mark }: ListingPage): Folder {
    const { mark: expected, shallow } = folder;
    const isOther = expected && (shallow ? expected.disk !== mark.disk : !isSameFolder(expected, mark));
    return { ...folder, mark, doubtful: folder.doubtful === true || isOther === true };
  }

  #miss({ path, mark, doubtful }: Folder, node: Mirrored): void {
    this.#otherNames?.missed(node);
    if (mark && !doubtful) this.missing.set(node.id, mark);
    else this.#doubt(path);
  }

  #doubt(path: string): void {
    if (this.#doubted.has(path)) return;
    this.#doubted.add(path);
    this.#options.tally.problem(path, OTHER_FOLDER.reason);
  }

  async #entry(folder: Folder, entry: SourceEntry, known: Mirrored | undefined): Promise<void> {
    const { moves, tally, mountPoints } = this.#options;
    const place: EntryPlace = { parent: folder.id, name: entry.name, path: pathIn(folder, entry.name) };
    this.#count(entry);
    this.#otherNames?.saw(place, entry, known);
    // A node may have been moved to another place while this folder was read.
    const node = known && moves.hasLeft(known) ? undefined : known;
    const missing = node && isMountPoint(node) && (await mountPoints.missing(node, entry));
    if (typeof missing === 'string') return tally.problem(place.path, missing);
    const verdict = decide(entry, node);
    const fault = entry.fault ?? (verdict === 'same' ? node?.source?.fault : undefined);
    if (fault !== undefined) tally.problem(place.path, fault);
    if (!node || (verdict !== 'same' && verdict !== 'note')) return this.#change(folder, place, entry, node);
    if (verdict === 'note') moves.claim(node, place);
    await this.#found(folder, place, entry, node, verdict);
  }

  /** Something has changed here: now what was changed in the cloud counts, too. */
  async #change(folder: Folder, place: EntryPlace, entry: SourceEntry, known: Mirrored | undefined): Promise<void> {
    const { mender, moves } = this.#options;
    const node = known ? mender.settle(known) : mender.claim(place, entry.kind, entry.target);
    if (known && !node) return this.#renew(folder, place, entry, known);
    const verdict = decide(entry, node);
    if (!node || verdict === 'create') return this.#create(folder, place, entry);
    if (verdict === 'replace' && folder.doubtful) return this.#doubt(folder.path);
    if (verdict === 'replace') {
      this.#giveWay(folder, node, place);
      return this.#create(folder, place, entry);
    }
    moves.claim(node, place);
    if (verdict === 'read') return this.#read(place, entry, node);
    if (verdict === 'attrs' && entry.kind === 'file') return this.#attr(node, place, entry);
    await this.#found(folder, place, entry, node, verdict);
  }

  /** The place has the right node, and whatever is in a folder is compared. */
  async #found(
    folder: Folder,
    place: EntryPlace,
    entry: SourceEntry,
    node: Mirrored,
    verdict: Decision,
  ): Promise<void> {
    const { changes, committer } = this.#options;
    const settle = () => {
      if (verdict === 'same') return;
      if (verdict === 'note' && !this.#isWaiting(node)) this.#note(node, entry);
      else committer.add(changes.attr(node, place.path, entry));
    };
    const otherDisk = entry.kind === 'folder' && node.source !== undefined && node.source.disk !== entry.disk;
    if (!otherDisk) settle();
    if (entry.kind !== 'folder' || folder.shallow) return;
    const below = { id: node.id, path: place.path, fresh: false, settle: otherDisk ? settle : undefined };
    this.#enter(folder, entry, below);
  }

  /** A node was removed in the cloud. */
  async #renew(folder: Folder, place: EntryPlace, entry: SourceEntry, known: Mirrored): Promise<void> {
    const { mender, moves, index } = this.#options;
    if (known.kind === 'folder' && entry.kind === 'folder') {
      moves.claim(known, place);
      mender.recreate(known, entry);
      return this.#enter(folder, entry, { id: known.id, path: place.path, fresh: false });
    }
    await index.remove(known);
    const there = mender.claim(place, entry.kind, entry.target);
    if (there?.kind !== 'file') return this.#create(folder, place, entry);
    moves.claim(there, place);
    this.#read(place, entry, there);
  }

  async #create(folder: Folder, place: EntryPlace, entry: SourceEntry): Promise<void> {
    const { changes, committer } = this.#options;
    if (entry.kind === 'folder') this.#created.add(`${place.parent}/${place.name}`);
    if (entry.kind === 'symlink') return committer.add(changes.symlink(place, entry));
    const moved = await this.#moveTo(place, entry);
    if (entry.kind === 'file') return moved ? undefined : this.#read(place, entry, undefined);
    if (moved) return this.#enter(folder, entry, { id: moved.id, path: place.path, fresh: false });
    const made = changes.mkdir(place, entry);
    committer.add(made);
    this.#enter(folder, entry, { id: made.intent.node, path: place.path, fresh: true });
  }

  /** Whether the index does not have what the cloud has of a node: it will once a change is done. */
  #isWaiting(node: Mirrored): boolean {
    const { cloud, index } = this.#options;
    return !cloud.isAsKnown && (cloud.isChanged(node.id) || index.get(node.id) === undefined);
  }

  #enter({ doubtful = false }: Folder, { inode, disk }: SourceEntry, below: Folder): void {
    const isOurs = this.#options.disk === undefined || disk === this.#options.disk;
    if (isOurs) this.#pending.push({ ...below, mark: { inode, disk }, doubtful });
    else below.settle?.();
  }

  /** Moves a node to a free place, if the file or folder there has vanished elsewhere. Resolves to the node. */
  async #moveTo(place: EntryPlace, entry: SourceEntry): Promise<Mirrored | undefined> {
    const { changes, committer, moves } = this.#options;
    const moved = await moves.byInode(entry, place);
    if (!moved) return undefined;
    committer.add(changes.move(moved.node, moved.from, place, entry));
    if (entry.kind === 'file' && this.#isWaiting(moved.node)) this.#read(place, entry, moved.node);
    else if (entry.kind === 'file') await this.#attr(moved.node, place, entry);
    else if (!sameAttrs(entry, moved.node)) committer.add(changes.attr(moved.node, place.path, entry));
    return moved.node;
  }

  /** Moves a node out of the way to a unique name, and marks it as missing, as its file may appear elsewhere. */
  #giveWay(folder: Folder, node: Mirrored, place: EntryPlace): void {
    const { changes, committer, moves } = this.#options;
    const to = { parent: node.parent, name: nameInTheWay(node.id), path: place.path };
    moves.displace(node, to);
    committer.add(changes.move(node, place, to));
    this.#miss(folder, node);
  }

  /** Sets the attributes of a node whose content is right; those of a file that was not read have to be looked at first. */
  async #attr(node: Mirrored, place: EntryPlace, entry: SourceAttributes): Promise<void> {
    const { changes, committer, scanner, tally } = this.#options;
    let attrs = entry;
    if (entry.xattrs === undefined) {
      const asked = scanner.request<Look>({ ask: 'describe', path: place.path });
      const look = await asked.catch((error: unknown) => this.#unreadable(place.path, error));
      // Gone, or another one: the next run sees what it is now.
      if (look?.signature !== entry.signature) return;
      if (look.fault !== undefined) tally.problem(place.path, look.fault);
      attrs = look;
    }
    if (sameAttrs(attrs, node) && !this.#isWaiting(node)) this.#note(node, attrs);
    else committer.add(changes.attr(node, place.path, attrs));
  }

  /** Of an entry only the size is kept: thousands of files wait to be read. */
  #read(place: EntryPlace, { size }: { readonly size: number }, node: Mirrored | undefined, again = false): void {
    const { transfer, tally, guard } = this.#options;
    // After the first refusal nothing more is read that could only be refused.
    if (node?.source && guard.refused > 0 && !guard.admitsReplacement()) return;
    const finish = async (outcome: ReadOutcome) => {
      if (outcome.state === 'read') return this.#finish(place, outcome, node);
      if (outcome.state === 'failed' && !hasVanished(outcome)) return tally.problem(place.path, outcome.reason);
      if (outcome.state === 'failed') return;
      if (again)
        return tally.problem(place.path, 'it was being written each time it was read; the next run tries again');
      this.#restless.push(() => this.#read(place, { size }, node, true));
    };
    transfer.add({ path: place.path, size, again, finish });
  }

  async #finish(place: EntryPlace, content: ReadContent, node: Mirrored | undefined): Promise<void> {
    const { changes, committer, moves } = this.#options;
    const { hash, size, attrs } = content;
    if (attrs.fault !== undefined) this.#options.tally.problem(place.path, attrs.fault);
    if (node?.hash === hash) {
      if (sameAttrs(attrs, node) && !this.#isWaiting(node)) this.#note(node, attrs);
      else committer.add(changes.attr(node, place.path, attrs));
      return;
    }
    if (node && !this.#options.guard.admitsReplacement()) return;
    const moved = node ? undefined : await moves.byContent(hash, size, place);
    if (!moved) {
      const again = () => void this.#restless.push(() => this.#read(place, { size }, node, true));
      return committer.add(assign(changes.put(place, content, node), { again }));
    }
    committer.add(changes.move(moved.node, moved.from, place, attrs));
    if (!sameAttrs(attrs, moved.node)) committer.add(changes.attr(moved.node, place.path, attrs));
  }

  /** Records the state of the source in the index only. */
  #note(node: Mirrored, mark: SourceMark): void {
    const { index, committer } = this.#options;
    committer.note(() => {
      const now = index.get(node.id);
      return now ? index.put(assign(now, { source: markOf(mark) }), now) : [];
    });
  }

  #count({ kind, size }: SourceEntry): void {
    const { scanned } = this.#options.tally;
    if (kind === 'file') scanned.files += 1;
    else if (kind === 'folder') scanned.folders += 1;
    else scanned.symlinks += 1;
    scanned.bytes += size;
  }
}

/** What changes in a folder changes the time of the folder, of which nothing tells. */
function withFolders(scope: ChangedNames): ChangedNames {
  const wider = new Map(scope);
  for (const path of scope.keys()) {
    if (path === '') continue;
    const at = path.lastIndexOf('/');
    const [above, name] = [path.slice(0, Math.max(0, at)), path.slice(at + 1)];
    const names = wider.get(above) ?? new Set();
    if (names !== 'all') wider.set(above, new Set([...names, name]));
  }
  return wider;
}

function pathIn(folder: Folder, name: string): string {
  return folder.path === '' ? name : `${folder.path}/${name}`;
}
