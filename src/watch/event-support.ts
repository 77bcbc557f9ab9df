import { statfs } from 'node:fs/promises';

/** Magic numbers of `statfs(2)` of file systems that change without the kernel of this computer knowing. */
const WITHOUT_EVENTS = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff53_4d42, 'SMB'],
  [0xfe53_4d42, 'SMB'],
  [0x6573_5546, 'a FUSE file system'],
  [0x0102_1997, '9P'],
  [0x00c3_6400, 'Ceph'],
  [0x5346_414f, 'AFS'],
  [0x7375_7245, 'Coda'],
]);

/** The kind of file system that a folder is on, if its changes may go unnoticed. @throws as `statfs` */
export async function withoutEvents(folder: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { type } = await statfs(folder);
  return WITHOUT_EVENTS.get(type >>> 0);
}
