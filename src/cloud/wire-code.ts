/** The causes for which the cloud refuses a call or an intent. The list is closed: a new cause needs a new code. */
export const WIRE_CODES = [
  'bad_request',
  'unauthorized',
  /** The password is right, and a code of an authenticator app is missing, wrong or used. */
  'code_required',
  'forbidden',
  'not_found',
  /** The name is taken; `current` is the node that has it. */
  'exists',
  /** A precondition does not hold; `current` is the node as it is. */
  'conflict',
  /** The node, or a folder above it, is in the Trash or permanently deleted. */
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
