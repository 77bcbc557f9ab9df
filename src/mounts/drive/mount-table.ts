import type { Catalog, SpaceState } from '../../cache/tree/catalog.ts';
import { FIXED, type Entry } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import type { SpaceRecord } from '../../cloud/records.ts';
import type { NodeId } from '../../vfs/node.ts';

export const ROOT: NodeId = 'root';
const BACKUP: NodeId = 'backup';

/** What a new list of spaces does to the catalog. */
export interface Attachment {
  readonly ops: readonly Op[];
  /** Roots of spaces that are gone and already detached: their contents are to be swept. */
  readonly gone: readonly Entry[];
}

/**
 * Attaches the spaces of the account where the drive shows them: `/Sync`, `/Archive`, `/Backup/<device>/<set>`. The
 * folders in between are created here and belong to no space. Submit the returned ops in the same turn.
 */
export async function attachSpaces(catalog: Catalog, spaces: readonly SpaceRecord[], now: number): Promise<Attachment> {
  const known = await catalog.spaces();
  const wanted = branches(spaces, now);
  const ops: Op[] = [];
  for (const entry of wanted.values()) ops.push(...hang(catalog, entry));
  for (const space of spaces) ops.push(...noteSpace(catalog, space));
  const kept = new Set(spaces.map(({ id }) => id));
  const lost = known.filter(({ id }) => !kept.has(id));
  const gone = lost.flatMap((space) => catalog.get(space.root) ?? []);
  ops.push(...lost.map(({ id }) => catalog.removeSpace(id)), ...gone.flatMap((entry) => catalog.remove(entry)));
  for (const entry of await emptied(catalog, wanted)) ops.push(...catalog.remove(entry));
  return { ops, gone };
}

/** The folders that the drive shows before anything is known about the account. */
export function attachFixedFolders(catalog: Catalog, now: number): Op[] {
  return [...branches([], now).values()].flatMap((entry) => hang(catalog, entry));
}

/** The fixed folders and the roots of the spaces, by id, parents first. */
function branches(spaces: readonly SpaceRecord[], now: number): Map<NodeId, Entry> {
  const found = new Map<NodeId, Entry>();
  const add = (id: NodeId, parent: NodeId, name: string, space = FIXED, mode = 0o555): void => {
    const times = { mtime: now, ctime: now, birthtime: now };
    if (!found.has(id))
      found.set(id, { id, space, parent, name, kind: 'folder', size: 0, mode, ...times, version: id, rev: 0 });
  };
  add(ROOT, ROOT, '');
  add(BACKUP, ROOT, 'Backup');
  const names = new Map<string, NodeId>();
  for (const { id, kind, root, name, device } of spaces) {
    if (kind === 'sync') add(root, ROOT, 'Sync', id, 0o755);
    if (kind === 'archive') add(root, ROOT, 'Archive', id, 0o755);
    if (kind !== 'backup' || device === undefined) continue;
    const folder = `device:${device.id}`;
    add(folder, BACKUP, freeName(names, device.name, folder));
    add(root, folder, fileName(name), id, 0o755);
  }
  return found;
}

/** Of devices of one name all but the first get a number. */
function freeName(names: Map<string, NodeId>, wanted: string, owner: NodeId): string {
  for (let count = 1; ; count++) {
    const name = count === 1 ? fileName(wanted) : `${fileName(wanted)} (${count})`;
    if ((names.get(name) ?? owner) !== owner) continue;
    names.set(name, owner);
    return name;
  }
}

/** Names of devices and sets are free text. */
function fileName(text: string): string {
  const name = text.replaceAll(/[/\0]/g, '-');
  return name === '.' || name === '..' || name === '' ? '-' : name;
}

/** Writes a fixed folder where it is new or has another place; its times stay. */
function hang(catalog: Catalog, wanted: Entry): Op[] {
  const known = catalog.get(wanted.id);
  if (known === undefined) return catalog.put(wanted);
  if (known.parent === wanted.parent && known.name === wanted.name) return [];
  return catalog.put({ ...known, parent: wanted.parent, name: wanted.name }, known);
}

function noteSpace(catalog: Catalog, { id, kind, name, root, device, writable }: SpaceRecord): Op[] {
  const known = catalog.space(id);
  const cursor = known?.cursor ?? -1;
  const resync = known?.resync === undefined ? {} : { resync: known.resync };
  const owner = device === undefined ? {} : { device };
  const marks = known?.marks === undefined ? {} : { marks: known.marks };
  const space: SpaceState = { id, kind, name, root, cursor, writable, ...owner, ...resync, ...marks };
  return JSON.stringify(known) === JSON.stringify(space) ? [] : [catalog.putSpace(space)];
}

/** Folders of devices that have no set any more. */
async function emptied(catalog: Catalog, wanted: ReadonlyMap<NodeId, Entry>): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of catalog.children(BACKUP)) if (!wanted.has(entry.id)) found.push(entry);
  return found;
}
