import type { SourceEntry } from '../backup/source-entry.ts';
import type { Place } from '../vfs/file-system.ts';
import type { Attr } from '../vfs/node.ts';
import type { ContentEnd } from './disk-reader.ts';
import { DriveContent } from './drive-content.ts';
import type { Known, LocalMark } from './known.ts';
import type { PassParts } from './pass-parts.ts';
import { failure } from './safe-tree.ts';

/** What is sent: where it is here, and where the drive gets it. */
export interface Sending {
  readonly path: string;
  readonly entry: SourceEntry;
  /** In the local folder: the node above, and the name. */
  readonly here: Place;
  /** In the drive. */
  readonly there: Place;
  /** Of the drive's file, where that of the local one says nothing new. */
  readonly mode?: number | undefined;
}

/** Brings single files to the drive. */
export class Sender {
  readonly #parts: PassParts;

  constructor(parts: PassParts) {
    this.#parts = parts;
  }

  /**
   * Sends a file's content. @param expected the version that it replaces; null if nothing must be there
   * @throws ESTALE if either side has changed meanwhile
   */
  async content({ path, entry, here, there, mode }: Sending, expected: string | null): Promise<void> {
    const { fs, disk, base, notes, context } = this.#parts;
    const attr = { mode: mode ?? entry.mode & 0o777, mtime: entry.mtime };
    const draft = await fs.draft(there.parent, there.name, attr, context);
    try {
      const end = await disk.read(path, (data) => draft.append(data, context));
      if (!end.mark) throw failure('ESTALE', path);
      let made = await draft.commit({ expected }, context);
      const isMode = end.mark.mode !== entry.mode;
      const late = { ...(isMode && { mode: end.mark.mode & 0o777 }), mtime: end.mark.mtime };
      if (isMode || end.mark.mtime !== entry.mtime) made = await fs.setattr(made.id, late, context);
      await base.put(knownFile(made, here, end, end.mark));
      notes.done += 1;
    } finally {
      await draft.discard();
    }
  }

  async symlink({ entry, here, there }: Sending): Promise<void> {
    const { fs, base, notes, context } = this.#parts;
    const target = entry.target ?? '';
    const made = await fs.symlink(there.parent, there.name, target, context);
    await base.put({ ...knownOf(made, here, markOfEntry(entry)), target });
    notes.done += 1;
  }

  /** The content of a file here. @throws ESTALE if it is written just now */
  async read(path: string): Promise<ContentEnd & { readonly mark: LocalMark }> {
    const end = await this.#parts.disk.read(path, () => undefined);
    if (!end.mark) throw failure('ESTALE', path);
    return { ...end, mark: end.mark };
  }

  /** Whether a file of the drive has this content. */
  async isEqual(attr: Attr, end: ContentEnd): Promise<boolean> {
    if (attr.kind !== 'file' || attr.size !== end.size) return false;
    const known = this.#parts.facts.hashOf(attr.id);
    return (known ?? (await this.#hash(attr))) === end.hash;
  }

  async #hash(attr: Attr): Promise<string> {
    const content = new DriveContent(this.#parts.fs, attr, this.#parts.context);
    for await (const _ of content.chunks());
    return content.hash();
  }
}

export function markOfEntry({ signature, inode, mode, mtime }: SourceEntry): LocalMark {
  return { signature, inode, mode, mtime };
}

/** A node as both sides have it now. */
export function knownOf(attr: Attr, { parent, name }: Place, local: LocalMark): Known {
  const { id, kind, version, mode, mtime, size } = attr;
  return { id, parent, name, kind, version, mode, mtime, size, local };
}

export function knownFile(attr: Attr, here: Place, { hash }: Pick<ContentEnd, 'hash'>, local: LocalMark): Known {
  return { ...knownOf(attr, here, local), hash };
}
