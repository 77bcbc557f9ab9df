import type { Entry } from '../../src/cache/tree/entry.ts';
import type { NodeId } from '../../src/vfs/node.ts';
import type { TestDrive } from './drive.ts';

let count = 0;

/** Puts a file into the catalog as the follower does: it is in the cloud, without pending intents. */
export async function addRemoteFile(
  { parts, source }: TestDrive,
  place: { readonly space: string; readonly parent: NodeId; readonly name: string },
  data: Uint8Array | string,
): Promise<Entry> {
  const id = `remote-${++count}`;
  const { hash, size, version } = source.add(`version-${count}`, Buffer.from(data));
  const times = { mtime: 1_700_000_000_000, ctime: 1_700_000_000_000, birthtime: 1_700_000_000_000 };
  const entry: Entry = {
    id,
    ...place,
    kind: 'file',
    size,
    mode: 0o644,
    ...times,
    version,
    hash,
    remote: version,
    rev: count,
  };
  await parts.writer.write(parts.catalog.put(entry));
  return entry;
}

/** Puts a folder that is in the cloud into the catalog. */
export async function addRemoteFolder(
  { parts }: TestDrive,
  place: { readonly space: string; readonly parent: NodeId; readonly name: string },
): Promise<Entry> {
  const id = `remote-${++count}`;
  const times = { mtime: 1_700_000_000_000, ctime: 1_700_000_000_000, birthtime: 1_700_000_000_000 };
  const entry: Entry = { id, ...place, kind: 'folder', size: 0, mode: 0o755, ...times, version: id, rev: count };
  await parts.writer.write(parts.catalog.put(entry));
  return entry;
}
