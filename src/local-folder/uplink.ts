import PQueue from 'p-queue';
import { MassGuard } from '../backup/mass-guard.ts';
import { asFsError, isFsError } from '../vfs/fs-error.ts';
import type { Place } from '../vfs/file-system.ts';
import type { Attr, NodeId } from '../vfs/node.ts';
import type { ChangedNames } from '../watch/quiet-paths.ts';
import { decide, decidePlace, type Side } from './decide.ts';
import { isAside, originalName } from './hidden-folder.ts';
import type { Known } from './known.ts';
import { LocalChanges, type Altered, type Appeared } from './local-changes.ts';
import { HaltError } from './pass-notes.ts';
import type { PassParts } from './pass-parts.ts';
import { below, splitLast } from './paths.ts';
import { knownFile, knownOf, markOfEntry, Sender } from './sender.ts';

/** Files that are sent at a time. */
const AT_ONCE = 4;

export interface UplinkOptions {
  /** A person has agreed to what `MassGuard` refuses. */
  readonly confirmed: boolean;
  /** Ends with an error if the folder is not the one that is synced any more. */
  readonly isOurs: () => Promise<void>;
}

/**
 * The first half of a pass: what was changed in the local folder is changed in the drive, unless that has changed the same. Where both
 * have, the base is left such that the second half brings the drive's state here, or what is here becomes a conflict copy.
 */
export class Uplink {
  readonly #parts: PassParts;
  readonly #options: UplinkOptions;
  readonly #found: LocalChanges;
  readonly #sender: Sender;
  readonly #contents = new PQueue({ concurrency: AT_ONCE });
  /** The nodes of local folders by their paths. */
  readonly #folders = new Map<string, NodeId>();

  constructor(parts: PassParts, options: UplinkOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#found = new LocalChanges(parts);
    this.#sender = new Sender(parts);
  }

  async run(scope: ChangedNames | 'whole'): Promise<void> {
    const { appeared, altered, missing } = this.#found;
    await this.#found.collect(scope);
    if (missing.size > 0) await this.#options.isOurs();
    // Both lists grow while folders that have moved, or are new, are looked into.
    for (const item of appeared) await this.#try(item.path, undefined, async () => this.#place(item));
    for (const item of altered) {
      if (item.entry.kind === 'file') this.#send(item.path, item.known.id, async () => this.#alteredFile(item));
      else await this.#try(item.path, item.known.id, async () => this.#alteredOther(item));
    }
    await this.#contents.onIdle();
    this.#parts.context.signal.throwIfAborted();
    if (this.#fatal) throw this.#fatal;
    if (missing.size > 0) await this.#remove();
  }

  #fatal: Error | undefined;

  /** Starts to send a file; the others go on. */
  #send(path: string, node: NodeId | undefined, task: () => Promise<void>): void {
    void this.#contents.add(async () => {
      if (this.#fatal === undefined)
        await this.#try(path, node, task).catch((error: unknown) => {
          this.#fatal ??= error instanceof Error ? error : asFsError(error, 'sync', path);
        });
    });
  }

  async #try(path: string, node: NodeId | undefined, task: () => Promise<void>): Promise<void> {
    this.#parts.context.signal.throwIfAborted();
    try {
      await task();
    } catch (error) {
      this.#parts.notes.failed(path, error, node);
    }
  }

  /** Something is at a place where nothing, or something else, was. */
  async #place(item: Appeared): Promise<void> {
    const parent = this.#folderAt(splitLast(item.path)[0]);
    if (parent === undefined) return;
    const origin = await this.#originOf(item);
    if (origin && (await this.#move(origin, item, parent))) return;
    await this.#create(item, parent);
  }

  /** The node that was at another place and is at none now. */
  async #originOf({ entry }: Appeared): Promise<Known | undefined> {
    for (const known of await this.#parts.base.withInode(entry.inode)) {
      if (known.kind === entry.kind && (await this.#found.isMissing(known))) return known;
    }
    return undefined;
  }

  /** @returns false if the drive does not have it any more */
  async #move(known: Known, item: Appeared, parent: NodeId): Promise<boolean> {
    const { base, drive, fs, context, notes } = this.#parts;
    const attr = await drive.get(known.id);
    this.#found.missing.delete(known.id);
    this.#parts.removals.isThere(known.id);
    const now = base.get(known.id);
    if (!attr || !now) {
      if (now) await base.forget(now);
      return false;
    }
    const local = { parent, name: splitLast(item.path)[1] };
    const there = isAside(attr.name) ? known : attr;
    if (!isAside(local.name) && decidePlace<Place>(known, local, there, samePlace) === 'send') {
      try {
        await this.#clear(local, known.id);
        await fs.rename(attr, local, { noReplace: true }, context);
        notes.done += 1;
      } catch (error) {
        if (isFsError(error, 'EEXIST')) return this.#move(known, await this.#yield(item), parent);
        // A folder that the drive has put into one that was put into it here: the drive's order holds.
        if (!isFsError(error, 'EINVAL')) {
          notes.unsettled.add(known.id);
          this.#folders.delete(item.path);
          throw error;
        }
        notes.drive.add(attr.parent);
      }
    } else notes.drive.add(attr.parent);
    const moved = { ...now, ...local };
    await base.put(moved);
    if (moved.kind === 'folder') {
      this.#folders.set(item.path, moved.id);
      await this.#found.within(moved.id, item.path);
    } else this.#found.altered.push({ ...item, known: moved });
    return true;
  }

  /** Frees a name of the drive whose node is not there any more in the local folder. @throws EEXIST if it is another one */
  async #clear({ parent, name }: Place, except: NodeId): Promise<void> {
    const { drive, base } = this.#parts;
    const holder = await drive.find(parent, name);
    if (!holder || holder.id === except) return;
    const known = base.get(holder.id);
    if (known && samePlace(known, { parent, name }) && (await this.#found.isMissing(known)))
      await drive.putAside(holder);
  }

  async #create(item: Appeared, parent: NodeId): Promise<void> {
    const { drive, base } = this.#parts;
    const name = this.#form(splitLast(item.path)[1]);
    if (isAside(name)) return this.#create(await this.#yield(item), parent);
    const place = { parent: await drive.folder(parent), name };
    await this.#clear(place, '');
    const holder = await drive.find(place.parent, place.name);
    if (!holder) return this.#make(item, place, this.#wasRescued(item.path));
    // One that the drive has moved here belongs to another place yet.
    if (!base.get(holder.id) && (await this.#unite(item, place, holder))) return;
    const other = await this.#yield(item);
    await this.#make(other, { ...place, name: splitLast(other.path)[1] }, name);
  }

  /** The name that a conflict copy had which was made by the disk. */
  #wasRescued(path: string): string | undefined {
    const { rescued } = this.#parts;
    const original = rescued.get(path);
    rescued.delete(path);
    return original;
  }

  /** @param original the name that a conflict copy had */
  async #make(item: Appeared, place: Place, original?: string): Promise<void> {
    const { fs, base, facts, notes, context } = this.#parts;
    const { path, entry } = item;
    const noteConflict = async (): Promise<void> => {
      const made = original === undefined ? undefined : base.at(place.parent, place.name);
      if (made && original !== undefined) await facts.noteConflict(made.id, original);
    };
    if (entry.kind === 'file') {
      return this.#send(path, undefined, async () => {
        await this.#sender.content({ ...item, here: place, there: place }, null);
        await noteConflict();
      });
    }
    if (entry.kind === 'symlink') {
      await this.#sender.symlink({ ...item, here: place, there: place });
      return noteConflict();
    }
    const content = await this.#found.inNew(path);
    if (!content) return;
    const made = await fs.mkdir(place.parent, place.name, { mode: entry.mode & 0o777 }, context);
    await base.put(knownOf(made, place, markOfEntry(entry)));
    notes.done += 1;
    this.#folders.set(path, made.id);
    this.#found.add(content);
    await noteConflict();
  }

  /** Two that have one name, and have not met before, become one if they are equal. Attributes are the drive's then. */
  async #unite({ path, entry }: Appeared, place: Place, holder: Attr): Promise<boolean> {
    const { base, fs, context } = this.#parts;
    if (holder.kind !== entry.kind) return false;
    const local = { mode: entry.mode & 0o777, mtime: entry.mtime };
    const meet = async (known: Known): Promise<true> => {
      await base.put({ ...known, ...local });
      this.#parts.notes.drive.add(holder.parent);
      return true;
    };
    if (entry.kind === 'folder') {
      this.#folders.set(path, holder.id);
      this.#found.add((await this.#found.inNew(path)) ?? []);
      this.#parts.notes.drive.add(holder.id);
      return meet(knownOf(holder, place, markOfEntry(entry)));
    }
    if (entry.kind === 'symlink') {
      const target = await fs.readlink(holder.id, context);
      return target === entry.target && meet({ ...knownOf(holder, place, markOfEntry(entry)), target });
    }
    if (holder.size !== entry.size) return false;
    const end = await this.#sender.read(path);
    return (await this.#sender.isEqual(holder, end)) && meet(knownFile(holder, place, end, end.mark));
  }

  async #alteredFile({ path, known: before, entry }: Altered): Promise<void> {
    const { base, drive, notes, reconcile } = this.#parts;
    const attr = await drive.get(before.id);
    const known = attr ? base.get(attr.id) : base.get(before.id);
    if (!known) return notes.lookAgain(path);
    const mayBeSame = entry.size === known.size || entry.size === attr?.size;
    const end = mayBeSame ? await this.#sender.read(path) : undefined;
    const local: Side = end && end.hash === known.hash ? 'same' : 'changed';
    const there: Side = attr ? (attr.version === known.version ? 'same' : 'changed') : 'absent';
    const equal =
      end !== undefined && attr !== undefined && there === 'changed' && (await this.#sender.isEqual(attr, end));
    const remedy = decide({ local, drive: there, equal }, reconcile);
    if (remedy === 'nothing' && attr && end) return this.#touched(known, attr, end.mark);
    if (remedy === 'meet' && attr && end) {
      return base.put({ ...knownFile(attr, known, end, end.mark), mode: entry.mode & 0o777, mtime: entry.mtime });
    }
    if (remedy === 'send') return this.#sendChange({ path, known, entry }, attr);
    if (remedy === 'copy') return this.#copy({ path, known, entry });
    // The drive's state comes here, or goes here: over what was looked at just now.
    if (end) await base.put({ ...known, local: end.mark });
    notes.drive.add(attr?.parent ?? known.parent);
  }

  async #sendChange({ path, known, entry }: Altered, attr: Attr | undefined): Promise<void> {
    const { base, drive } = this.#parts;
    // A file system without modes says the same of every file.
    const mode = (entry.mode & 0o777) === (known.local.mode & 0o777) ? attr?.mode : undefined;
    if (attr) return this.#sender.content({ path, entry, here: known, there: attr, mode }, attr.version);
    const parent = await drive.folder(known.parent);
    await base.forget(known);
    return this.#create({ path, entry }, parent);
  }

  /** Both sides have a new content: what is here becomes a file of its own. */
  async #copy({ path, known, entry }: Altered): Promise<void> {
    const { base, drive, notes } = this.#parts;
    const parent = await drive.folder(known.parent);
    await base.forget(known);
    notes.drive.add(parent);
    const other = await this.#yield({ path, entry });
    await this.#make(other, { parent, name: splitLast(other.path)[1] }, known.name);
  }

  /** Only attributes are different. Those that the drive has changed, too, are the drive's. */
  async #touched(known: Known, attr: Attr, mark: Known['local']): Promise<void> {
    const { fs, base, context, notes } = this.#parts;
    const { local } = known;
    const mode = (mark.mode & 0o777) !== (local.mode & 0o777) && attr.mode === known.mode;
    const mtime = known.kind === 'file' && mark.mtime !== local.mtime && attr.mtime === known.mtime;
    if (!mode && !mtime) return base.put({ ...known, local: mark });
    const changes = { ...(mode ? { mode: mark.mode & 0o777 } : {}), ...(mtime ? { mtime: mark.mtime } : {}) };
    const now = await fs.setattr(attr.id, changes, context);
    notes.done += 1;
    await base.put({
      ...known,
      local: mark,
      ...(mode ? { mode: now.mode } : {}),
      ...(mtime ? { mtime: now.mtime } : {}),
    });
  }

  async #alteredOther({ path, known: before, entry }: Altered): Promise<void> {
    const { base, drive, fs, context, notes } = this.#parts;
    const attr = await drive.get(before.id);
    const known = base.get(attr?.id ?? before.id);
    if (!known) return notes.lookAgain(path);
    if (entry.kind === 'folder' || (attr && entry.target === known.target)) {
      if (attr) return this.#touched(known, attr, markOfEntry(entry));
      return base.put({ ...known, local: markOfEntry(entry) });
    }
    // A symlink to another target is another node.
    if (attr && samePlace(attr, known)) await fs.unlink(attr.parent, attr.name, context);
    const parent = await drive.folder(known.parent);
    await base.forget(known);
    await this.#create({ path, entry }, parent);
  }

  /** Gives something here another name, as the drive has its own for something else. */
  async #yield(item: Appeared): Promise<Appeared> {
    const { disk, facts, drive, notes } = this.#parts;
    const [folder, name] = splitLast(item.path);
    const parent = this.#folderAt(folder);
    const taken = new Set<string>();
    for (;;) {
      const original = originalName(name);
      const isFirst = isAside(name) && taken.size === 0;
      const other = isFirst ? original : facts.conflictName(original, (one) => taken.has(one));
      const path = below(folder, other);
      taken.add(other);
      if (parent !== undefined && (await drive.find(parent, other))) continue;
      if ((await disk.look(path)) !== null) continue;
      const mark = await disk.move(item.path, path, item.entry.signature);
      notes.lookAgain(path);
      return { path, entry: { ...item.entry, name: other, ...mark } };
    }
  }

  async #remove(): Promise<void> {
    const { base, notes, top } = this.#parts;
    const gone = [...this.#found.missing.values()].filter((one) => this.#isGone(one));
    let files = 0;
    for (const one of gone) files += one.kind === 'folder' ? await base.countFiles(one.id) : 1;
    const whole = files > 100 ? await base.countFiles(top) : Infinity;
    const guard = new MassGuard({ files: whole, recent: 0, confirmed: this.#options.confirmed, asked: false });
    if (files > 100 && !guard.admits(files)) {
      const reason = `${files} of ${whole} files are gone from the folder; \`fjord confirm\` removes them from the drive as well`;
      throw new HaltError({ kind: 'removal', reason });
    }
    await this.#options.isOurs();
    for (const one of gone) {
      const path = base.path(one, top) ?? one.name;
      await this.#try(path, one.id, async () => this.#removeThere(one, path));
    }
    notes.done += files;
  }

  /** If it may have been moved, it is left as it is for now. */
  #isGone(known: Known): boolean {
    const { base, notes, removals, top } = this.#parts;
    if (removals.isDue(known.id)) return true;
    const path = base.path(known, top);
    if (path !== undefined) notes.lookAgain(path);
    notes.unsettled.add(known.id);
    return false;
  }

  async #removeThere(before: Known, path: string): Promise<void> {
    const { base, drive, fs, context, notes, reconcile } = this.#parts;
    const attr = await drive.get(before.id);
    const known = base.get(attr?.id ?? before.id);
    if (!known) return;
    const there: Side = attr ? ((await drive.isAsAgreed(known, attr)) ? 'same' : 'changed') : 'absent';
    const remedy = decide({ local: 'absent', drive: there, equal: false }, reconcile);
    if (remedy === 'removeThere' && attr) {
      if (known.kind === 'folder') await fs.removeTree(attr.parent, attr.name, context);
      else await fs.unlink(attr.parent, attr.name, context);
      return base.forget(known);
    }
    if (!attr) return base.forget(known);
    // Something in it was changed: that stays, and comes here again.
    if (known.kind === 'folder' && samePlace(attr, known)) {
      for (const child of await base.children(known.id)) await this.#removeThere(child, below(path, child.name));
      try {
        await fs.rmdir(attr.parent, attr.name, context);
      } catch (error) {
        if (!isFsError(error, 'ENOTEMPTY')) throw error;
      }
    }
    await base.forget(known);
    await drive.putBack(attr, (name) => this.#parts.facts.conflictName(name, () => false));
    notes.drive.add(attr.parent);
  }

  #folderAt(path: string): NodeId | undefined {
    const { base, top } = this.#parts;
    if (path === '') return top;
    const found = this.#folders.get(path);
    // A folder may have got another id meanwhile.
    if (found !== undefined && base.get(found)) return found;
    const [folder, name] = splitLast(path);
    const parent = this.#folderAt(folder);
    const known = parent === undefined ? undefined : base.at(parent, this.#form(name));
    return known?.kind === 'folder' ? known.id : undefined;
  }

  #form(name: string): string {
    return this.#parts.folding.forms ? name.normalize('NFC') : name;
  }
}

function samePlace(a: Place, b: Place): boolean {
  return a.parent === b.parent && a.name === b.name;
}
