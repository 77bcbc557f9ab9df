import type { Code } from '../vfs/fs-error.ts';
import type { WireCode } from './wire-code.ts';

/** The code of `FsError` for each code of the cloud. The type requires one for every code. */
const FS_CODES = {
  bad_request: 'EINVAL',
  unauthorized: 'EACCES',
  code_required: 'EACCES',
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

/** The code of `FsError` for a refusal by the cloud. */
export function fsCodeOf(code: WireCode): Code {
  return FS_CODES[code];
}
