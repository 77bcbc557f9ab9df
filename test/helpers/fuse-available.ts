import { accessSync, constants } from 'node:fs';

/** Why a test that mounts cannot run here; false if it can. */
export function withoutFuse(): string | false {
  if (process.platform !== 'linux') return 'FUSE is for Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return false;
  } catch {
    return 'there is no /dev/fuse';
  }
}
