import type { BlockReader } from '../blocks/block-reader.ts';
import { contentOf } from '../blocks/reading.ts';
import { numbered } from '../meta/names.ts';
import type { Db, NodeRow } from '../meta/schema.ts';
import { childrenOf, contentFolder, currentVersion, hasChild, stillThere } from '../meta/tree.ts';
import { harmless, leadsDown } from './names.ts';
import type { Entry } from './zip.ts';

export interface TreeOptions {
  readonly db: Db;
  readonly reader: BlockReader;
  /** In whose name the nodes are read. */
  readonly account: string;
  /** Whether what is shared and hangs under a folder of the tree belongs to it. */
  readonly mounts: boolean;
}

/** Names that are used in a folder of the archive, of those that are not those of the nodes. */
type Used = Set<string>;

/**
 * Nodes with everything below them as entries of an archive, each as it is when its turn comes: what was removed or moved away in the
 * meantime is left out.
 * @throws what reading blocks throws; not_found if the account has no access any more
 */
export async function* treeEntries(options: TreeOptions, nodes: readonly NodeRow[]): AsyncGenerator<Entry> {
  const used: Used = new Set();
  for (const node of nodes) {
    let path = harmless(node.name);
    for (let number = 2; used.has(path); number += 1) path = numbered(harmless(node.name), number);
    used.add(path);
    yield* entriesOf(options, node, path);
  }
}

/** What is in a folder, without the folder itself. */
export async function* contentEntries(
  options: TreeOptions,
  { space, id }: { readonly space: string; readonly id: string },
  above = '',
): AsyncGenerator<Entry> {
  const used: Used = new Set();
  for await (const node of childrenOf(options.db, options.account, space, id)) {
    yield* entriesOf(options, node, above + (await nameIn(options.db, node, used)));
  }
}

async function* entriesOf(options: TreeOptions, node: NodeRow, path: string): AsyncGenerator<Entry> {
  if (node.kind === 'file') yield* fileEntry(options, node, path);
  else yield* otherEntries(options, node, path);
}

async function* otherEntries(options: TreeOptions, node: NodeRow, path: string): AsyncGenerator<Entry> {
  const now = await stillThere(options.db, node);
  if (now?.kind === 'symlink') yield symlinkEntry(now, path);
  if (now?.kind !== 'folder' || (now.mount !== null && !options.mounts)) return;
  const { mode, mtime } = now;
  yield { path: `${path}/`, kind: 'folder', mode, mtime, size: 0, content: nothing };
  yield* contentEntries(options, await contentFolder(options.db, options.account, now), `${path}/`);
}

async function* fileEntry({ db, reader }: TreeOptions, node: NodeRow, path: string): AsyncGenerator<Entry> {
  const version = await currentVersion(db, node);
  if (version === undefined) return;
  const { size, mtime } = version;
  const content = () => contentOf(reader, version, { start: 0, end: size - 1 });
  yield { path, kind: 'file', mode: node.mode, mtime, size, content };
}

function symlinkEntry({ target, mode, mtime }: NodeRow, path: string): Entry {
  const bytes = Buffer.from(target ?? '');
  const kind = leadsDown(target ?? '') ? 'symlink' : 'file';
  const content = async function* () {
    yield bytes;
  };
  return { path, kind, mode: kind === 'file' ? 0o644 : mode, mtime, size: bytes.length, content };
}

/** The name of a node in the archive: its own, or one that is harmless and free. */
async function nameIn(db: Db, { parent, name }: NodeRow, used: Used): Promise<string> {
  const text = harmless(name);
  if (text === name) return name;
  let free = text;
  for (let number = 2; used.has(free) || (await hasChild(db, parent, free)); number += 1) free = numbered(text, number);
  used.add(free);
  return free;
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A folder has no bytes.
}
