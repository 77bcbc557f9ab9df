import type { Attributes, DeviceRecord, NodeRecord, PosixRecord, SpaceRecord, VersionRecord } from '../../records.ts';
import type { DeviceRow, NodeRow, SpaceRow, VersionRow } from './schema.ts';

/** A row as a record of the wire. */

export function nodeRecord(row: NodeRow): NodeRecord {
  const { id, space, parent, name, kind, mode, mtime, birthtime, ctime, rev, device, size, version, hash } = row;
  const removed = row.removed !== null;
  const fields = {
    id,
    space,
    parent,
    name,
    kind,
    mode,
    mtime,
    birthtime,
    ctime,
    rev,
    device,
    removed,
    size,
    version,
    hash,
  };
  const record: { -readonly [Field in keyof NodeRecord]: NodeRecord[Field] } = fields;
  if (row.target !== null) record.target = row.target;
  if (row.mount !== null) record.mount = row.mount;
  if (row.xattrs !== null) record.xattrs = JSON.parse(row.xattrs) as Record<string, string>;
  if (row.posix !== null) record.posix = JSON.parse(row.posix) as PosixRecord;
  return record;
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
