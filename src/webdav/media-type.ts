import mime from 'mime';
import type { Attr } from '../vfs/node.ts';

/** The `Content-Type` for the extension of the name. */
export function typeOf({ name, kind }: Attr): string {
  if (kind === 'symlink') return 'inode/symlink';
  return mime.getType(name) ?? 'application/octet-stream';
}
