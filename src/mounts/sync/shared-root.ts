import type { Catalog } from '../../cache/tree/catalog.ts';
import type { IntentResult, NodeRecord } from '../../cloud/records.ts';
import type { NodeId } from '../../vfs/node.ts';

/**
 * The content of a shared space hangs on a root of its own in the cloud, and here on the folder under which it is shown.
 * These translate between the two, at the border.
 */

/** A record of the cloud with the parent that it has here. */
export function inward(catalog: Catalog, record: NodeRecord): NodeRecord {
  const space = catalog.space(record.space);
  return space?.cloudRoot === undefined || record.parent !== space.cloudRoot
    ? record
    : { ...record, parent: space.root };
}

/** The records of a result, likewise. */
export function resultInward(catalog: Catalog, result: IntentResult): IntentResult {
  const { replaced } = result;
  const seen = replaced === undefined ? {} : { replaced: inward(catalog, replaced) };
  if (result.status === 'done') return { ...result, ...seen, node: inward(catalog, result.node) };
  const { current } = result;
  return { ...result, ...seen, ...(current === undefined ? {} : { current: inward(catalog, current) }) };
}

/**
 * The id that the cloud has for a folder as a parent in a space. An intent that was planned before the folder was known to be shared
 * names its old space: the cloud then says that it is.
 */
export function parentOutward(catalog: Catalog, parent: NodeId, space: string): NodeId {
  const mount = catalog.get(parent)?.mount;
  return (mount === space ? catalog.space(mount)?.cloudRoot : undefined) ?? parent;
}
