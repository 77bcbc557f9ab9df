import type { SpaceState } from '../../../cache/tree/catalog.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import type { DigestedNode } from '../../../cloud/tree-digest.ts';
import { BIN } from '../../drive/sweeper.ts';

/** The size of a content that was replaced here, and that the cloud still has. */
export const UNKNOWN = -1;

/**
 * What the cloud has of a node, as far as is known here: without changes that were not sent. `undefined` if the cloud does not know
 * the node, or it is being removed.
 */
export function agreedNode(entry: Entry, { root, cloudRoot }: SpaceState): DigestedNode | undefined {
  const { id, kind, rev, target, mount, base, remote = null, hash = null } = entry;
  if (rev === 0 || entry.local === true || base === null || entry.parent === BIN) return undefined;
  const { parent, name } = base ?? entry;
  const { mode, mtime, birthtime, xattrs } = base?.attributes ?? entry;
  const content = base ?? { version: remote, hash };
  return {
    id,
    parent: parent === root ? (cloudRoot ?? parent) : parent,
    name,
    kind,
    rev,
    size: content.version === remote ? entry.size : UNKNOWN,
    version: content.version,
    hash: content.hash,
    mode,
    mtime,
    birthtime,
    ...(target === undefined ? {} : { target }),
    ...(xattrs === undefined ? {} : { xattrs }),
    ...(mount === undefined ? {} : { mount }),
  };
}
