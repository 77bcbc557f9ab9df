import mime from 'mime';
import type { Attr } from '../vfs/node.ts';

/** `Content-Type` by the name's extension. */
export function typeOf({ name, kind }: Attr): string {
  if (kind === 'symlink') return 'inode/symlink';
  return mime.getType(name) ?? 'application/octet-stream';
}
