import type { SpaceState } from '../../../cache/tree/catalog.ts';
import type { Replica } from '../replica.ts';
import { relabelBelow } from './relabel.ts';

/** A folder of Sync that was shared elsewhere: what is in it belongs to the space now, unsent changes included. */
export async function adoptShared(replica: Replica, { id, root }: SpaceState): Promise<void> {
  const folder = replica.catalog.get(root);
  if (folder === undefined) return;
  if (folder.mount !== id) replica.put({ ...folder, mount: id }, folder);
  await replica.do({ what: 'relabel', folder: root, space: id }, () => relabelBelow(replica, root, id));
}

/** A folder that its owner has stopped sharing: what is in it belongs to Sync again. */
export async function takeBack(replica: Replica, { root }: SpaceState): Promise<void> {
  const folder = replica.catalog.get(root);
  if (folder === undefined) return;
  const { mount: _mount, ...plain } = folder;
  replica.put(plain, folder);
  const chore = { what: 'relabel', folder: root, space: folder.space } as const;
  await replica.do(chore, () => relabelBelow(replica, root, folder.space));
}
