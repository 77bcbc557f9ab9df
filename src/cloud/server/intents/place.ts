import type { Place } from '../../../vfs/file-system.ts';
import { Refusal } from '../refusal.ts';
import { liveFolder, type Transaction } from '../meta/transaction.ts';
import { checkNodeName } from '../meta/names.ts';
import { nodeRecord } from '../meta/records.ts';
import { hasChildren } from '../meta/removal.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';

/**
 * Checks that a node can be put at a place: the folder is live, the name is valid, and it is free or taken by one of
 * `allowed`. Returns the node that has the name, if any.
 * @throws name_invalid, gone, not_found, not_a_folder, exists
 */
export async function claimPlace(
  transaction: Transaction,
  space: SpaceRow,
  place: Place,
  allowed: readonly (string | undefined)[] = [],
): Promise<NodeRow | undefined> {
  checkNodeName(place.name);
  await liveFolder(transaction, space, place.parent);
  const holder = await transaction.child(place.parent, place.name);
  if (holder === undefined || allowed.includes(holder.id)) return holder;
  throw new Refusal('exists', 'another node has this name', { current: nodeRecord(holder) });
}

/** Checks that a node with this id can be created. @throws conflict, bad_request */
export async function claimId(transaction: Transaction, space: SpaceRow, id: string): Promise<void> {
  if (!(await transaction.taken(id))) return;
  const node = await transaction.node(id, space);
  if (node === undefined) throw new Refusal('bad_request', 'a node with this id already exists');
  throw new Refusal('conflict', 'the node already exists', { current: nodeRecord(node) });
}

/** That a node of this kind can take the place of another one, of which the caller knows the version `base`. @throws exists */
export async function checkReplaceable(
  transaction: Transaction,
  kind: NodeRow['kind'],
  replaced: NodeRow,
  base?: string | null,
): Promise<void> {
  if (replaced.kind === 'file' && base !== undefined && base !== replaced.version) {
    throw new Refusal('exists', 'another version of the file has the name', { current: nodeRecord(replaced) });
  }
  if (replaced.mount !== null) {
    throw new Refusal('exists', 'a shared folder is not replaced', { current: nodeRecord(replaced) });
  }
  if ((kind === 'folder') !== (replaced.kind === 'folder')) {
    throw new Refusal('exists', 'a folder can only replace a folder, and only a folder can replace it', {
      current: nodeRecord(replaced),
    });
  }
  if (replaced.kind === 'folder' && (await hasChildren(await transaction.connection(), replaced.id))) {
    throw new Refusal('exists', 'the folder is not empty', { current: nodeRecord(replaced) });
  }
}
