import { createHash } from 'node:crypto';
import { v7 as newId } from 'uuid';
import { encodeNewFiles, NEW_FILES_HEAD, type NewFiles } from '../../src/cloud/new-files.ts';

/** A body of new files with these contents in one folder, named by their places; `more` replaces what is said of them. */
export function newFiles(
  { space, folder }: { readonly space: string; readonly folder: string },
  contents: readonly Uint8Array[],
  more: Partial<NewFiles> = {},
): { readonly body: Uint8Array; readonly files: NewFiles } {
  const each = <T>(item: (i: number) => T): T[] => contents.map((_, i) => item(i));
  const filled = contents.filter(({ length }) => length > 0);
  const files: NewFiles = {
    id: newId(),
    space,
    folders: [folder],
    folder: each(() => 0),
    node: each(() => newId()),
    version: each(() => newId()),
    name: each((i) => `file ${i}`),
    mode: each(() => 0o640),
    mtime: each((i) => 1_700_000_000_000.25 + i),
    birthtime: each(() => 1_600_000_000_000),
    size: contents.map(({ length }) => length),
    posix: each((i) => ({ v: 1, uid: i, gid: 7, user: 'ada', mtimeNs: '1700000000000250001' })),
    xattrs: {},
    digests: Buffer.concat(filled.map((bytes) => createHash('sha256').update(bytes).digest())).toString('base64'),
    ...more,
  };
  const memory = new Uint8Array(Buffer.concat([Buffer.alloc(NEW_FILES_HEAD), ...contents]));
  return { body: encodeNewFiles(memory, memory.length, files), files };
}
