import type { StagedFile, Staging } from '../../cache/content/content.ts';
import type { GroupWriter } from '../../cache/db/group-writer.ts';
import { attrOf, type Entry } from '../../cache/tree/entry.ts';
import type { Context } from '../../vfs/context.ts';
import type { CommitOptions, Draft, Place } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, NewAttr } from '../../vfs/node.ts';
import { checkAborted } from './attr-values.ts';
import type { AccountRoom } from './account-room.ts';
import type { FolderLocks } from './folder-locks.ts';
import type { LiveTree } from './live-tree.ts';
import type { OpenFiles } from './open/open-files.ts';
import type { ContentReplacer, NewWholeContent } from './replace-content.ts';
import type { TreeWriter } from './tree-writer.ts';
import { newId } from '../../vfs/ids.ts';

export interface DriveDraftParts {
  readonly tree: LiveTree;
  readonly treeWriter: TreeWriter;
  readonly replacer: ContentReplacer;
  readonly writer: GroupWriter;
  readonly staging: Staging;
  readonly room: AccountRoom;
  readonly files: OpenFiles;
  readonly folderLocks: FolderLocks;
  /** ms since 1970 */
  readonly now: () => number;
}

/** See `FileSystem.draft`: a staged file that no entry names yet. */
export class DriveDraft implements Draft {
  readonly #parts: DriveDraftParts;
  readonly #place: Place;
  readonly #attr: NewAttr;
  readonly #file: StagedFile;
  #ended = false;

  /** @throws ENOSPC */
  constructor(parts: DriveDraftParts, place: Place, attr: NewAttr) {
    this.#parts = parts;
    this.#place = place;
    this.#attr = attr;
    this.#file = parts.staging.create(null);
  }

  get size(): number {
    return this.#file.size;
  }

  append(data: Uint8Array, context: Context): void | Promise<void> {
    this.#check('write', context);
    const { size } = this.#file;
    this.#parts.room.take(data.length, size, size + data.length, 'write');
    return this.#file.append(data, context);
  }

  async commit({ expected }: CommitOptions, context: Context): Promise<Attr> {
    this.#check('commit', context);
    this.#ended = true;
    try {
      this.#parts.writer.checkRoom();
      const hash = await this.#hashIfEqualSize(context);
      const content = { staged: this.#file.id, size: this.#file.size, version: newId(this.#parts.now()), ...hash };
      const { folderLocks } = this.#parts;
      while (folderLocks.isClosed(this.#place.parent)) await folderLocks.opened(this.#place.parent);
      const { entry, used } = await this.#replaceContent(content, expected);
      if (!used) this.#drop();
      // Existing readers keep the file open, even if the next draft has replaced it by now.
      if (!this.#parts.files.isOpen(entry.id)) this.#file.close();
      return attrOf(entry);
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  async discard(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#drop();
  }

  /** Checks and submits in one turn. */
  #replaceContent(
    content: NewWholeContent,
    expected: string | null | undefined,
  ): Promise<{ entry: Entry; used: boolean }> {
    const { parent: folder, name } = this.#place;
    const parent = this.#parts.tree.spaceFolder(folder, 'commit');
    const old = this.#parts.tree.occupant(parent, name);
    if (expected !== undefined && (old?.version ?? null) !== expected) {
      throw new FsError('ESTALE', 'commit', { subject: name, reason: 'the file was changed in the meantime' });
    }
    return this.#parts.replacer.replace({ parent, name, old }, content, this.#attr, 'commit');
  }

  /** Only contents of equal size can be equal; all others need not be hashed now. */
  async #hashIfEqualSize(context: Context): Promise<{ hash?: string }> {
    const old = this.#parts.tree.occupant({ id: this.#place.parent }, this.#place.name);
    if (old?.hash === undefined || old.size !== this.#file.size) return {};
    this.#file.seal();
    const { hash } = await this.#file.manifest(context);
    return { hash };
  }

  #check(op: string, context: Context): void {
    checkAborted(context, op);
    if (this.#ended) throw new FsError('EBADF', op, { reason: 'the draft has ended' });
  }

  #drop(): void {
    this.#file.close();
    this.#parts.treeWriter.drop(this.#file.id);
  }
}
