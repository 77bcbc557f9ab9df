import { compareUtf8 } from '../cache/db/table.ts';
import type { ListingPage } from '../backup/listing.ts';
import { hasVanished, type SourceEntry } from '../backup/source-entry.ts';
import type { NodeId } from '../vfs/node.ts';
import type { ChangedNames } from '../watch/quiet-paths.ts';
import type { Known } from './known.ts';
import type { PassParts } from './pass-parts.ts';
import { below } from './paths.ts';
import { nameProblem } from './rules.ts';

/** Something that is not known at its place. */
export interface Appeared {
  readonly path: string;
  readonly entry: SourceEntry;
}

/** Something that is known at its place, and looks different. */
export interface Altered extends Appeared {
  readonly known: Known;
}

/** What is different in the local folder from what was agreed on. */
export class LocalChanges {
  readonly #parts: PassParts;
  /** Parents before children, as far as they have been looked into. */
  readonly appeared: Appeared[] = [];
  readonly altered: Altered[] = [];
  /** Known nodes that are not at their places; what is in a missing folder is not listed. */
  readonly missing = new Map<NodeId, Known>();
  readonly #paths = new Set<string>();
  #isWhole = false;

  constructor(parts: PassParts) {
    this.#parts = parts;
  }

  /** Looks at everything, or at some names. @throws errors of node:fs for the top folder */
  async collect(scope: ChangedNames | 'whole'): Promise<void> {
    this.#isWhole = scope === 'whole';
    if (scope === 'whole') return this.within(this.#parts.top, '');
    for (const [folder, names] of [...scope].sort(([a], [b]) => compareUtf8(a, b))) {
      const place = this.#locate(folder, names);
      if (!place) continue;
      // A folder that takes two names for one says that both are there.
      const { letters, forms } = this.#parts.folding;
      if (place.names === 'all' || letters || forms) await this.#list(place.id, place.path, false);
      else await this.#some(place.id, place.path, [...place.names]);
    }
  }

  /** Adds what is not known at its place, once: a new folder is reported with all that is written into it, each of which leads to it. */
  add(items: readonly Appeared[]): void {
    for (const item of items) {
      if (this.#paths.has(item.path)) continue;
      this.#paths.add(item.path);
      this.appeared.push(item);
    }
  }

  /** Looks at all that is in a known folder, and below it. */
  async within(id: NodeId, path: string): Promise<void> {
    await this.#list(id, path, true);
  }

  /** What is in a folder that is not known; undefined if all of that is left out. */
  async inNew(path: string): Promise<Appeared[] | undefined> {
    const found: Appeared[] = [];
    let isEmpty = true;
    for await (const { entries } of this.#pages(path)) {
      if (entries.length > 0) isEmpty = false;
      for (const entry of entries) {
        const at = below(path, entry.name);
        if (!this.#leaveOut(at, entry)) found.push({ path: at, entry });
      }
    }
    if (isEmpty || found.some(({ entry }) => entry.kind !== 'folder')) return found;
    for (const { path: at } of found) if ((await this.inNew(at)) !== undefined) return found;
    return undefined;
  }

  /** Whether a node is not at the place where it was, as far as is known. */
  async isMissing(known: Known): Promise<boolean> {
    const { base, disk, top } = this.#parts;
    for (let at: Known | undefined = known; at; at = base.get(at.parent)) if (this.missing.has(at.id)) return true;
    if (this.#isWhole) return false;
    const path = base.path(known, top);
    if (path === undefined) return false;
    const there = await disk.look(path).catch(() => null);
    return there?.inode !== known.local.inode;
  }

  /** The known folder of a path, or the nearest above with the name that leads there. */
  #locate(folder: string, names: Set<string> | 'all') {
    const { base, top, rules } = this.#parts;
    let id = top;
    let path = '';
    for (const name of folder === '' ? [] : folder.split('/')) {
      const next = below(path, name);
      if (rules.skips(next, true)) return undefined;
      const known = base.at(id, this.#form(name));
      if (known?.kind !== 'folder') return { id, path, names: new Set([name]) };
      [id, path] = [known.id, next];
    }
    return { id, path, names };
  }

  async #some(id: NodeId, path: string, names: readonly string[]): Promise<void> {
    const { scanner, base } = this.#parts;
    const asked = scanner.request<ListingPage | undefined>({ ask: 'some', folder: path, names });
    const page = await asked.catch((error: unknown) => this.#unreadable(path, error));
    if (!page) return;
    const known = new Map<string, Known>();
    for (const name of names) {
      const one = base.at(id, this.#form(name));
      if (one) known.set(one.name, one);
    }
    await this.#compare({ path, page, known, deep: false });
    for (const one of known.values()) this.missing.set(one.id, one);
  }

  async #list(id: NodeId, path: string, deep: boolean): Promise<void> {
    const known = new Map((await this.#parts.base.children(id)).map((one) => [one.name, one]));
    let isReadable = false;
    for await (const page of this.#pages(path)) {
      isReadable = true;
      await this.#compare({ path, page, known, deep });
    }
    if (isReadable) for (const one of known.values()) this.missing.set(one.id, one);
  }

  async *#pages(path: string): AsyncGenerator<ListingPage> {
    const { scanner } = this.#parts;
    for (let after: string | undefined, more = true; more;) {
      const asked = scanner.request<ListingPage>({ ask: 'list', folder: path, after });
      const page = await asked.catch((error: unknown) => this.#unreadable(path, error));
      if (!page) return;
      yield page;
      after = page.next;
      more = after !== undefined;
    }
  }

  /** Takes what it finds, or must not miss, out of `known`. */
  async #compare(at: { path: string; page: ListingPage; known: Map<string, Known>; deep: boolean }): Promise<void> {
    const { path, page, known, deep } = at;
    for (const { path: name, reason, skipped } of page.problems) {
      known.delete(this.#form(name));
      if (skipped !== true) this.#parts.notes.problems.set(below(path, name), reason);
    }
    for (const entry of page.entries) {
      const place = below(path, entry.name);
      const name = this.#form(entry.name);
      const one = known.get(name);
      if (this.#leaveOut(place, entry)) {
        known.delete(name);
        // It was synced and is left out now: both sides keep what they have.
        if (one && this.#parts.rules.skips(place, entry.kind === 'folder')) await this.#parts.base.forget(one);
        continue;
      }
      if (one?.kind !== entry.kind) {
        this.add([{ path: place, entry }]);
        continue;
      }
      known.delete(name);
      this.#parts.removals.isThere(one.id);
      if (isAltered(one, entry)) this.altered.push({ path: place, entry, known: one });
      if (deep && entry.kind === 'folder') await this.within(one.id, place);
    }
  }

  #leaveOut(path: string, entry: SourceEntry): boolean {
    const { rules, notes, fileSystem } = this.#parts;
    if (rules.skips(path, entry.kind === 'folder')) return true;
    const reason =
      entry.disk !== fileSystem ? 'it is on another file system, which is not synced' : nameProblem(entry.name);
    if (reason !== undefined) notes.problems.set(path, reason);
    return reason !== undefined;
  }

  /** The name of the drive for one of the local disk. */
  #form(name: string): string {
    return this.#parts.folding.forms ? name.normalize('NFC') : name;
  }

  #unreadable(path: string, error: unknown): undefined {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EINTR' || path === '') throw error;
    if (hasVanished({ code })) this.#parts.notes.lookAgain(path);
    else this.#parts.notes.problems.set(path, message);
    return undefined;
  }
}

function isAltered({ kind, local, target }: Known, entry: SourceEntry): boolean {
  if (kind === 'file') return entry.signature !== local.signature;
  if (kind === 'symlink') return entry.target !== target;
  return (entry.mode & 0o777) !== (local.mode & 0o777) || entry.inode !== local.inode;
}
