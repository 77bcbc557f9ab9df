import { MassGuard } from '../backup/mass-guard.ts';
import { portableName } from '../vfs/foreign-name.ts';
import { asFsError, isFsError } from '../vfs/fs-error.ts';
import type { Attr, NodeId } from '../vfs/node.ts';
import { asideName, isStray } from './hidden-folder.ts';
import type { Known } from './known.ts';
import { HaltError } from './pass-notes.ts';
import type { PassParts } from './pass-parts.ts';
import { below } from './paths.ts';
import { Receiver } from './receiver.ts';
import { knownOf } from './sender.ts';

const TWIN = 'another name in its folder is the same one to this disk; rename one of them';

export interface DownlinkOptions {
  /** A person has agreed to what `MassGuard` refuses. */
  readonly confirmed: boolean;
}

/**
 * The second half of a pass: makes the local folder what the drive is. What differs from the base in the local folder has been taken care
 * of by the first half; what has been changed since then is left as it is, and looked at again.
 */
export class Downlink {
  readonly #parts: PassParts;
  readonly #options: DownlinkOptions;
  readonly #receiver: Receiver;
  readonly #leaving = new Map<NodeId, Known>();
  readonly #seen = new Set<NodeId>();
  #fatal: Error | undefined;

  constructor(parts: PassParts, options: DownlinkOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#receiver = new Receiver(parts, { failed: ({ path, attr }, error) => this.#failed(path, error, attr.parent) });
  }

  /** @param folders to compare; those that are new here are compared with all that is below them */
  async run(folders: ReadonlySet<NodeId> | 'whole'): Promise<void> {
    const { top, drive } = this.#parts;
    if (folders === 'whole') await this.#folder(top, '', true);
    else for (const [id, path] of await this.#paths(folders)) await this.#folder(id, path, false);
    await this.#receiver.idle();
    if (this.#fatal) throw this.#fatal;
    this.#parts.context.signal.throwIfAborted();
    const gone: Known[] = [];
    for (const known of this.#leaving.values()) {
      const attr = await drive.get(known.id);
      if (!attr || (await this.#isLeftOut(attr.id))) gone.push(known);
      else this.#parts.notes.drive.add(attr.parent);
    }
    if (gone.length > 0) await this.#remove(gone);
  }

  /** Those that are here, those above first. */
  async #paths(folders: ReadonlySet<NodeId>): Promise<[NodeId, string][]> {
    const { base, top, drive } = this.#parts;
    const paths: [NodeId, string][] = [];
    for (const id of folders) {
      if (id === top) paths.push([top, '']);
      const attr = id === top ? undefined : await drive.get(id);
      const known = attr && base.get(attr.id);
      const path = known && base.path(known, top);
      if (path !== undefined && attr) paths.push([attr.id, path]);
    }
    return paths.sort(([, a], [, b]) => a.split('/').length - b.split('/').length);
  }

  async #folder(id: NodeId, path: string, deep: boolean): Promise<void> {
    const { drive, rules, base, notes, context } = this.#parts;
    if (this.#seen.has(id) && !deep) return;
    this.#seen.add(id);
    notes.compared.add(path);
    const attrs: Attr[] = [];
    try {
      for await (const attr of drive.children(id)) attrs.push(attr);
    } catch (error) {
      return this.#failed(path, error);
    }
    const strays = attrs.filter((attr) => isStray(attr.id, attr.name));
    for (const attr of strays) await this.#try(below(path, attr.name), id, () => this.#putBack(attr));
    const wanted = attrs.filter(
      (attr) => !strays.includes(attr) && !rules.skips(below(path, attr.name), attr.kind === 'folder'),
    );
    const ids = new Set(wanted.map((attr) => attr.id));
    const twins = this.#twins(wanted);
    const names = new Map(wanted.map((attr) => [attr.name, attr.id]));
    for (const known of await base.children(id)) {
      if (notes.unsettled.has(known.id)) continue;
      if (!ids.has(known.id)) this.#leaving.set(known.id, known);
      // What has another place in the drive gives way to what has its name there.
      const holder = names.get(known.name);
      if (holder !== undefined && holder !== known.id)
        await this.#try(below(path, known.name), id, () => this.#putAside(known, path));
    }
    const folders: [NodeId, string, boolean][] = [];
    for (const attr of wanted) {
      context.signal.throwIfAborted();
      if (notes.unsettled.has(attr.id)) continue;
      const at = below(path, attr.name);
      const reason = twins.has(attr.id) ? TWIN : await this.#refusal(attr);
      if (reason !== undefined) {
        notes.refuse(at, reason);
        continue;
      }
      await this.#try(at, id, async () => {
        const enters = await this.#node(attr, at, id);
        if (attr.kind === 'folder' && (deep || enters)) folders.push([attr.id, at, true]);
      });
    }
    for (const [next, at] of folders) if (base.get(next)) await this.#folder(next, at, true);
  }

  async #putBack(attr: Attr): Promise<void> {
    const { drive, facts, notes } = this.#parts;
    await drive.putBack(attr, (name) => facts.conflictName(name, () => false));
    notes.drive.add(attr.parent);
  }

  /** Why the disk cannot hold a node under its name. */
  async #refusal({ kind, name }: Attr): Promise<string | undefined> {
    const { folding, disk } = this.#parts;
    if (kind === 'symlink' && !folding.links)
      return 'the disk of the folder has no symbolic links; the link stays in the drive';
    if (!folding.refuses || portableName(name) === name) return undefined;
    return (await disk.holds(name)) ? undefined : 'the disk of the folder cannot have this name; rename it';
  }

  /** Of names that are one to the disk, those that have to wait. */
  #twins(attrs: readonly Attr[]): Set<NodeId> {
    const { letters, forms } = this.#parts.folding;
    const twins = new Set<NodeId>();
    if (!letters && !forms) return twins;
    const first = new Map<string, Attr>();
    const fold = (name: string): string => {
      const form = forms ? name.normalize('NFC') : name;
      return letters ? form.toLowerCase() : form;
    };
    for (const attr of attrs) {
      const key = fold(attr.name);
      const other = first.get(key);
      const isHere = this.#parts.base.get(attr.id)?.parent === attr.parent;
      if (other && !isHere) twins.add(attr.id);
      else if (other) twins.add(other.id);
      if (!other || isHere) first.set(key, attr);
    }
    return twins;
  }

  /** Makes one node here what it is in the drive. @returns whether it is a folder that was not here before */
  async #node(attr: Attr, path: string, folder: NodeId): Promise<boolean> {
    const { base, top, disk, facts, notes } = this.#parts;
    const here = { parent: folder, name: attr.name };
    let known = base.get(attr.id);
    if (known && known.kind !== attr.kind) {
      await base.forget(known);
      known = undefined;
    }
    if (!known) return this.#arrive(attr, path, here);
    let isNew = false;
    if (known.parent !== folder || known.name !== attr.name) {
      const from = base.path(known, top);
      if (from === undefined) throw new Error(`the place of ${path} is not known`);
      const mark = await disk.move(from, path, known.local.signature);
      known = { ...known, ...here, local: mark };
      await base.put(known);
      if (mark.signature === '' && known.kind === 'file') notes.lookAgain(path);
      notes.done += 1;
      isNew = true;
    }
    this.#leaving.delete(attr.id);
    if (attr.kind === 'file' && attr.version !== known.version) {
      if (facts.isBusy(attr.id)) notes.drive.add(folder);
      else await this.#receiver.add({ attr, path, here, known });
    } else await this.#attributes(attr, path, known);
    return isNew;
  }

  async #arrive(attr: Attr, path: string, here: { parent: NodeId; name: string }): Promise<boolean> {
    const { base, disk, fs, facts, notes, context } = this.#parts;
    if (attr.kind === 'file') {
      if (facts.isBusy(attr.id)) notes.drive.add(here.parent);
      else await this.#receiver.add({ attr, path, here, known: undefined });
      return false;
    }
    if (attr.kind === 'symlink') {
      const target = await fs.readlink(attr.id, context);
      await base.put({ ...knownOf(attr, here, await disk.symlink(path, target, null)), target });
    } else await base.put(knownOf(attr, here, await disk.mkdir(path, attr.mode)));
    notes.done += 1;
    return attr.kind === 'folder';
  }

  async #attributes(attr: Attr, path: string, known: Known): Promise<void> {
    const { base, disk, notes } = this.#parts;
    const mode = attr.mode !== known.mode;
    const mtime = attr.kind === 'file' && attr.mtime !== known.mtime;
    if ((!mode && !mtime) || attr.kind === 'symlink') return;
    const now = { mode: mode ? attr.mode : known.local.mode, mtime: mtime ? attr.mtime : known.local.mtime };
    const expect = attr.kind === 'folder' ? ((await disk.look(path))?.signature ?? '') : known.local.signature;
    const local = await disk.attributes(path, expect, now);
    await base.put({ ...known, local, mode: attr.mode, mtime: attr.mtime });
    if (attr.kind === 'file') notes.lookAgain(path);
    notes.done += 1;
  }

  async #putAside(known: Known, folder: string): Promise<void> {
    const { base, disk } = this.#parts;
    const name = asideName(known.id, known.name);
    const local = await disk.move(below(folder, known.name), below(folder, name), known.local.signature);
    await base.put({ ...known, name, local });
    // It is among those that leave, or finds its place in this folder.
    if (this.#leaving.has(known.id)) this.#leaving.set(known.id, { ...known, name, local });
  }

  /** Whether a node is now where the rules leave it out. */
  async #isLeftOut(id: NodeId): Promise<boolean> {
    const { drive, rules } = this.#parts;
    const attr = await drive.get(id);
    const path = attr && (await drive.pathOf(attr));
    return path !== undefined && attr !== undefined && rules.skipsBelow(path, attr.kind === 'folder');
  }

  async #remove(gone: readonly Known[]): Promise<void> {
    const { base, top } = this.#parts;
    let files = 0;
    for (const one of gone) files += one.kind === 'folder' ? await base.countFiles(one.id) : 1;
    if (files > 100) {
      const whole = await base.countFiles(top);
      const guard = new MassGuard({ files: whole, recent: 0, confirmed: this.#options.confirmed, asked: false });
      if (!guard.admits(files)) {
        const reason = `${files} of ${whole} files were removed from the drive; \`fjord confirm\` removes them here as well`;
        throw new HaltError({ kind: 'removal', reason });
      }
    }
    for (const one of gone) {
      const known = base.get(one.id);
      const path = known && base.path(known, top);
      if (known && path !== undefined) await this.#try(path, undefined, async () => this.#removeHere(known, path));
    }
  }

  async #removeHere(known: Known, path: string): Promise<void> {
    const { base, disk, drive, notes } = this.#parts;
    if (known.kind !== 'folder') {
      await disk.remove(path, known.local.signature, known.hash).catch(ignoreMissing);
      notes.done += 1;
      return base.forget(known);
    }
    for (const child of await base.children(known.id)) {
      const at = below(path, child.name);
      // One that has moved elsewhere in the drive goes there.
      const attr = await drive.get(child.id);
      if (attr && !(await this.#isLeftOut(child.id))) notes.drive.add(attr.parent);
      else await this.#try(at, undefined, async () => this.#removeHere(child, at));
    }
    if ((await base.children(known.id)).length > 0) return;
    try {
      await disk.rmdir(path).catch(ignoreMissing);
    } catch (error) {
      // Something that is not synced, or new, is in it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
      notes.lookAgain(path);
    }
    notes.done += 1;
    await base.forget(known);
  }

  async #try(path: string, folder: NodeId | undefined, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#failed(path, error, folder);
      if (this.#fatal) throw this.#fatal;
    }
  }

  #failed(path: string, error: unknown, folder?: NodeId): void {
    const { notes } = this.#parts;
    try {
      if (folder !== undefined) notes.drive.add(folder);
      notes.failed(path, error);
      const { code } = asFsError(error, 'sync', path);
      if (isFsError(error) && (code === 'EAGAIN' || code === 'ETIMEDOUT')) notes.offline = true;
    } catch (fatal) {
      this.#fatal ??= errorOf(fatal);
    }
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : asFsError(error, 'sync');
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
