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
