import { FsError } from './fs-error.ts';

/** NAME_MAX of Linux: bytes of UTF-8 in one name. */
export const NAME_MAX = 255;

/** PATH_MAX of Linux, less the terminating NUL: bytes of UTF-8 in one path. */
export const PATH_MAX = 4095;

const lone = /\p{Surrogate}/u;

/** Checks a single name. Control characters are allowed, as in POSIX. @throws EINVAL, ENAMETOOLONG */
export function checkName(name: string, op: string): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0') || lone.test(name)) {
    throw new FsError('EINVAL', op, { subject: name, reason: 'this is not a valid file name' });
  }
  if (name.length > NAME_MAX || Buffer.byteLength(name) > NAME_MAX) {
    throw new FsError('ENAMETOOLONG', op, { subject: name, reason: `a name can have at most ${NAME_MAX} bytes` });
  }
}

/** True for names that `checkName` accepts. */
export function isName(name: string): boolean {
  try {
    checkName(name, 'name');
    return true;
  } catch {
    return false;
  }
}

/** Splits a name before its extension, which keeps its dot: `a.tar.gz` → [`a.tar`, `.gz`]; `.profile` → [`.profile`, '']. */
export function splitExtension(name: string): [stem: string, extension: string] {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)];
}

const litter: readonly RegExp[] = [/^\._/, /^\.DS_Store$/, /^Thumbs\.db$/i, /^desktop\.ini$/i, /^~\$/];

/**
 * True for files that operating systems and Office scatter around; they stay on this computer and are never uploaded.
 */
export function isLitter(name: string): boolean {
  return litter.some((pattern) => pattern.test(name));
}

const scratch = /^\.fjord-copy-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** A temporary name for a node that is renamed, or takes the place of another node, when it is complete. */
export function scratchName(uuid: string): string {
  return `.fjord-copy-${uuid}`;
}

/** True for such a name: the node is never sent under it, and does not outlive the process. */
export function isScratch(name: string): boolean {
  return scratch.test(name);
}
