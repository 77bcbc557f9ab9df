import type { RenameFlags } from '../../src/vfs/file-system.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import type { MemoryNode } from './memory-node.ts';

/** Checks the rules of POSIX and `renameat2`. */
export function checkRename(
  node: MemoryNode,
  target: MemoryNode,
  other: MemoryNode | undefined,
  name: string,
  { noReplace = false, exchange = false }: RenameFlags,
): void {
  const refuse = (code: 'EINVAL' | 'EEXIST' | 'ENOENT' | 'EISDIR' | 'ENOTDIR' | 'ENOTEMPTY'): never => {
    throw new FsError(code, 'rename', { subject: name });
  };
  if (noReplace && exchange) refuse('EINVAL');
  if (noReplace && other !== undefined) refuse('EEXIST');
  if (exchange && other === undefined) refuse('ENOENT');
  if (node.kind === 'folder' && node.contains(target)) refuse('EINVAL');
  if (exchange && other !== undefined && other.kind === 'folder' && other.contains(node.parent)) refuse('EINVAL');
  if (exchange || other === undefined || other === node) return;
  if (other.kind === 'folder' && other.contains(node)) refuse('ENOTEMPTY');
  if (node.kind === 'folder' && other.kind !== 'folder') refuse('ENOTDIR');
  if (node.kind !== 'folder' && other.kind === 'folder') refuse('EISDIR');
  if (!other.empty) refuse('ENOTEMPTY');
}
