import type { ContentStore } from '../../cache/content/content.ts';
import { attrOf, type Entry } from '../../cache/tree/entry.ts';
import { compareUtf8 } from '../../cache/db/table.ts';
import type { Context } from '../../vfs/context.ts';
import type { FileSystem, Page, PageRequest } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, NodeId } from '../../vfs/node.ts';
import type { PolicyState } from '../drive/policy-state.ts';
import { VersionHandle } from './version-handle.ts';
import type { NamedVersion, VersionLists } from './version-list.ts';

/** The name of the hidden folder. */
export const VERSIONS = '.versions';

/** The prefix of ids of virtual nodes; no id in the catalog begins with it. */
const MARK = '~';

/** `.versions` of a folder; the folder in it for a file; one version of a file. */
type VirtualNode =
  | { readonly what: 'versions'; readonly folder: NodeId }
  | { readonly what: 'file'; readonly file: NodeId }
  | { readonly what: 'version'; readonly file: NodeId; readonly version: string };

export interface VersionsTreeParts {
  readonly fs: FileSystem;
  readonly policyState: PolicyState;
  readonly lists: VersionLists;
  readonly store: ContentStore;
}

/** The nodes of all `.versions` folders; computed on demand, so nothing has to be stored. */
export class VersionsTree {
  readonly #parts: VersionsTreeParts;

  constructor(parts: VersionsTreeParts) {
    this.#parts = parts;
  }

  /** Whether the id is one of these. */
  has(node: NodeId): boolean {
    return node.startsWith(MARK);
  }

  /** The `.versions` of a folder; `undefined` where there is none. */
  under(folder: NodeId): Attr | undefined {
    const entry = this.#parts.policyState.entry(folder);
    if (entry?.kind !== 'folder' || !this.#parts.policyState.policy(entry).versions) return undefined;
    return folderAttr(entry, { id: `${MARK}v${MARK}${entry.id}`, parent: entry.id, name: VERSIONS });
  }

  async getattr(node: NodeId, context: Context): Promise<Attr> {
    const virtual = virtualNode(node);
    if (virtual.what === 'versions') return this.under(virtual.folder) ?? stale(node);
    const entry = this.#file(virtual.file);
    if (virtual.what === 'file') return fileFolder(entry);
    return versionAttr(entry, await this.#version(entry, virtual.version, context));
  }

  async lookup(folder: NodeId, name: string, context: Context): Promise<Attr> {
    const virtual = virtualNode(folder);
    if (virtual.what === 'version') throw new FsError('ENOTDIR', 'lookup', { subject: name });
    if (virtual.what === 'versions') {
      const attr = await this.#parts.fs.lookup(virtual.folder, name, context);
      if (attr.kind === 'file') return fileFolder(this.#file(attr.id));
      throw new FsError('ENOENT', 'lookup', { subject: name, reason: 'only files have versions' });
    }
    const entry = this.#file(virtual.file);
    const found = (await this.#list(entry, context)).find((version) => version.name === name);
    if (found === undefined) throw new FsError('ENOENT', 'lookup', { subject: name });
    return versionAttr(entry, found);
  }

  async readdir(folder: NodeId, page: PageRequest, context: Context): Promise<Page> {
    const virtual = virtualNode(folder);
    if (virtual.what === 'version') throw new FsError('ENOTDIR', 'readdir', { subject: folder });
    if (virtual.what === 'versions') return await this.#files(virtual.folder, page, context);
    const entry = this.#file(virtual.file);
    const all = (await this.#list(entry, context)).map((version) => versionAttr(entry, version));
    const { after, limit } = page;
    const behind = all
      .toSorted((a, b) => compareUtf8(a.name, b.name))
      .filter(({ name }) => after === undefined || compareUtf8(name, after) > 0);
    return { entries: behind.slice(0, limit), more: behind.length > limit };
  }

  /** The bytes of a version; fetched as they are read. @throws EISDIR */
  async open(node: NodeId, context: Context): Promise<VersionHandle> {
    const virtual = virtualNode(node);
    if (virtual.what !== 'version') throw new FsError('EISDIR', 'open', { subject: node });
    const entry = this.#file(virtual.file);
    const found = await this.#version(entry, virtual.version, context);
    const { hash, size, id } = found.record;
    return new VersionHandle(versionAttr(entry, found), this.#parts.store.open({ hash, size, version: id }));
  }

  /** A page of the real folder without what has no versions; short pages are filled up. */
  async #files(folder: NodeId, { after, limit }: PageRequest, context: Context): Promise<Page> {
    const entries: Attr[] = [];
    for (let last = after; ;) {
      const request = last === undefined ? { limit } : { after: last, limit };
      const page = await this.#parts.fs.readdir(folder, request, context);
      for (const attr of page.entries) {
        if (attr.kind !== 'file') continue;
        if (entries.length === limit) return { entries, more: true };
        const entry = this.#parts.policyState.entry(attr.id);
        if (entry !== undefined) entries.push(fileFolder(entry));
      }
      if (!page.more) return { entries, more: false };
      last = page.entries.at(-1)?.name;
    }
  }

  #file(id: NodeId): Entry {
    const entry = this.#parts.policyState.entry(id);
    return entry?.kind === 'file' ? entry : stale(id);
  }

  #list(entry: Entry, context: Context): Promise<NamedVersion[]> {
    return this.#parts.lists.of(entry.id, entry.name, context);
  }

  async #version(entry: Entry, id: string, context: Context): Promise<NamedVersion> {
    const found = (await this.#list(entry, context)).find(({ record }) => record.id === id);
    return found ?? stale(id);
  }
}

function virtualNode(node: NodeId): VirtualNode {
  const [, what, id = '', version = ''] = node.split(MARK);
  if (what === 'v') return { what: 'versions', folder: id };
  if (what === 'n') return { what: 'file', file: id };
  return what === 'f' ? { what: 'version', file: id, version } : stale(node);
}

function fileFolder(entry: Entry): Attr {
  const { id, parent, name } = entry;
  return folderAttr(entry, { id: `${MARK}n${MARK}${id}`, parent: `${MARK}v${MARK}${parent}`, name });
}

function folderAttr(like: Entry, place: Pick<Attr, 'id' | 'parent' | 'name'>): Attr {
  const { mtime, ctime, birthtime } = attrOf(like);
  return { ...place, kind: 'folder', size: 0, mode: 0o555, mtime, ctime, birthtime, version: place.id };
}

function versionAttr({ id }: Entry, { name, record }: NamedVersion): Attr {
  const { size, mtime, created } = record;
  const place = { id: `${MARK}f${MARK}${id}${MARK}${record.id}`, parent: `${MARK}n${MARK}${id}`, name };
  return { ...place, kind: 'file', size, mode: 0o444, mtime, ctime: created, birthtime: created, version: record.id };
}

function stale(id: string): never {
  throw new FsError('ESTALE', 'stat', { subject: id, reason: 'it was removed' });
}
