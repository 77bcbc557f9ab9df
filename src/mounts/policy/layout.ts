import type { SpaceKind, SpaceRecord } from '../../cloud/records.ts';
import type { NodeId } from '../../vfs/node.ts';

export const ROOT: NodeId = 'root';
const BACKUP: NodeId = 'backup';

/** A folder that exists only on this computer and belongs to no space: spaces are mounted in it. */
export interface Branch {
  readonly id: NodeId;
  readonly parent: NodeId;
  readonly name: string;
}

/** Where the drive shows a space: as the folder `name` in `parent`, which may be in another space. */
export interface MountPoint {
  readonly parent: NodeId;
  readonly name: string;
  /** The parent, if it is a branch that is there only while something is mounted in it. */
  readonly branch?: Branch;
}

/** The branches that are always there, parents first. */
export const BRANCHES: readonly Branch[] = [
  { id: ROOT, parent: ROOT, name: '' },
  { id: BACKUP, parent: ROOT, name: 'Backup' },
];

/** Where each kind of space is mounted; `undefined`: it is not shown. */
const MOUNT_POINTS: Readonly<Record<SpaceKind, (space: SpaceRecord) => MountPoint | undefined>> = {
  sync: () => ({ parent: ROOT, name: 'Sync' }),
  archive: () => ({ parent: ROOT, name: 'Archive' }),
  backup: ({ name, device }) => device && inDevice(device, name),
  // Under a folder of Sync, which comes with the feed of that.
  shared: () => undefined,
};

/** Whether the drive shows a space. */
export function isShown(space: SpaceRecord): boolean {
  return mountPointOf(space) !== undefined || space.place !== undefined;
}

/** Where the drive mounts a space; `undefined` if it does not. Names are free text, and may be taken. */
export function mountPointOf(space: SpaceRecord): MountPoint | undefined {
  return MOUNT_POINTS[space.kind](space);
}

function inDevice(device: { readonly id: string; readonly name: string }, name: string): MountPoint {
  const branch = { id: `device:${device.id}`, parent: BACKUP, name: device.name };
  return { parent: branch.id, name, branch };
}
