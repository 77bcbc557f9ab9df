import type { Attributes, DeviceRecord, NodeRecord, PosixRecord, SpaceRecord, VersionRecord } from '../../records.ts';
import type { DeviceRow, NodeRow, SpaceRow, VersionRow } from './schema.ts';

/** A row as a record of the wire. */

export function nodeRecord(row: NodeRow): NodeRecord {
  return {
    id: row.id,
    space: row.space,
    parent: row.parent,
    name: row.name,
    kind: row.kind,
    mode: row.mode,
    mtime: row.mtime,
    birthtime: row.birthtime,
    ctime: row.ctime,
    rev: row.rev,
    device: row.device,
    removed: row.removed !== null,
    size: row.size,
    version: row.version,
    hash: row.hash,
    ...(row.target === null ? {} : { target: row.target }),
    ...(row.mount === null ? {} : { mount: row.mount }),
    ...(row.xattrs === null ? {} : { xattrs: JSON.parse(row.xattrs) as Record<string, string> }),
    ...(row.posix === null ? {} : { posix: JSON.parse(row.posix) as PosixRecord }),
  };
}

export function versionRecord(row: Omit<VersionRow, 'manifest'>, current: boolean): VersionRecord {
  const { id, node, size, hash, mtime, created, device } = row;
  return { id, node, size, hash, mtime, created, device, current };
}

export function deviceRecord(row: DeviceRow, caller: string): DeviceRecord {
  const { id, name, platform, created, seen } = row;
  return { id, name, platform, created, seen, current: id === caller };
}

/** `owner` is the device of a backup space. */
export function spaceRecord(
  row: SpaceRow,
  owner: string | undefined,
  writable: boolean,
  share: Pick<SpaceRecord, 'place' | 'role'> = {},
): SpaceRecord {
  const { id, kind, name, root, rev, device, attributes } = row;
  return {
    id,
    kind,
    name,
    root,
    rev,
    ...(owner === undefined ? {} : { device: { id: device, name: owner } }),
    writable,
    ...(attributes === null ? {} : { attributes: JSON.parse(attributes) as Attributes }),
    ...share,
  };
}
