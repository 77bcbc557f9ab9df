import { closeSync, constants, openSync } from 'node:fs';

/** Bytes: a longer path is shortened, so that a name of 255 bytes can still follow within PATH_MAX. */
const LONGEST = 3800;
/** open(2), Linux: only to have a place to go on from, which takes no right to read. */
const O_PATH = 0o10_000_000;

/**
 * Calls `use` with a path that system calls take. One beyond PATH_MAX is walked folder by folder as openat(2) does it: what `use`
 * gets leads through a folder that is open until it returns. Elsewhere than on Linux such a path stays too long.
 * @param path absolute
 * @throws errors of node:fs for the folders on the way, and what `use` throws
 */
export function withLongPath<P extends string | Buffer, T>(path: P, use: (path: P | Buffer) => T): T {
  if (path.length * 3 <= LONGEST || Buffer.byteLength(path) <= LONGEST || process.platform !== 'linux')
    return use(path);
  let rest: Buffer = Buffer.from(path as string);
  let open: number | undefined;
  try {
    while (rest.length > LONGEST) {
      const end = rest.lastIndexOf('/', LONGEST);
      const fd = openSync(rest.subarray(0, end), O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      if (open !== undefined) closeSync(open);
      open = fd;
      rest = Buffer.concat([Buffer.from(`/proc/self/fd/${fd}`), rest.subarray(end)]);
    }
    return use(rest);
  } finally {
    if (open !== undefined) closeSync(open);
  }
}
