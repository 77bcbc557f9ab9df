import type { Code } from '../vfs/fs-error.ts';

/** What a refusal by the cloud, of a call or of one intent, is about. Closed: a new cause is a new code here. */
export const WIRE_CODES = [
  'bad_request',
  'unauthorized',
  'forbidden',
  'not_found',
  /** The name is taken; `current` is who has it. */
  'exists',
  /** A precondition does not hold; `current` is what is there. */
  'conflict',
  /** The node, or a folder above it, is in the Trash or gone for good. */
  'gone',
  'not_a_folder',
  'blocks_missing',
  'quota_exceeded',
  'name_invalid',
  /** The cursor is older than the tombstones: take a snapshot. */
  'cursor_expired',
  'too_large',
  'digest_mismatch',
  /** The service's copy of a content is lost or damaged; an upload of its blocks, which count as missing, repairs it. */
  'damaged',
  'too_many_requests',
  'unavailable',
  'internal',
] as const;
export type WireCode = (typeof WIRE_CODES)[number];

/** What each code of the cloud is to the rest of Fjord; a new code breaks this table first. */
const FS_CODES = {
  bad_request: 'EINVAL',
  unauthorized: 'EACCES',
  forbidden: 'EACCES',
  not_found: 'ENOENT',
  exists: 'EEXIST',
  conflict: 'ESTALE',
  gone: 'ENOENT',
  not_a_folder: 'ENOTDIR',
  blocks_missing: 'EIO',
  quota_exceeded: 'EDQUOT',
  name_invalid: 'EINVAL',
  cursor_expired: 'ESTALE',
  too_large: 'EFBIG',
  digest_mismatch: 'EIO',
  damaged: 'EIO',
  too_many_requests: 'EAGAIN',
  unavailable: 'EAGAIN',
  internal: 'EAGAIN',
} as const satisfies Record<WireCode, Code>;

/** The code that a refusal by the cloud, of a call or of one intent, has in Fjord. */
export function fsCodeOf(code: WireCode): Code {
  return FS_CODES[code];
}
