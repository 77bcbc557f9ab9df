import t from 'tap';
import { decide, looksMoved } from '../../src/backup/decide.ts';
import type { Mirrored } from '../../src/backup/mirrored.ts';
import type { SourceEntry } from '../../src/backup/source-entry.ts';

const attrs = { mode: 0o644, mtime: 5, birthtime: 4, posix: '1:0:0:root:root:5000000:::' };
const mark = { signature: '10:5:5:1', inode: '1.4', disk: '7' };
const file: SourceEntry = { name: 'x', kind: 'file', size: 10, ...attrs, ...mark };
const ids = { id: 'i', parent: 'p', name: 'x', version: 'v', hash: 'h' };
const node: Mirrored = { ...ids, kind: 'file', size: 10, ...attrs, source: mark };
const folder: SourceEntry = { ...file, kind: 'folder', size: 0 };
const folderNode: Mirrored = { ...node, kind: 'folder', size: 0, version: null, hash: null };
const changed = { signature: '10:5:6:1' };
const link: SourceEntry = { ...file, kind: 'symlink', size: 0, target: 'a' };
const linkNode: Mirrored = { ...folderNode, kind: 'symlink', target: 'a' };

const cases: [what: string, entry: SourceEntry, node: Mirrored | undefined, verdict: string][] = [
  ['nothing there', file, undefined, 'create'],
  ['all alike', file, node, 'same'],
  ['unknown to the index', file, { ...node, source: undefined }, 'read'],
  ['another signature', { ...file, signature: '10:5:6:1' }, node, 'read'],
  ['attributes changed in the cloud', file, { ...node, mtime: 6 }, 'same'],
  ['attributes that were not kept', file, { ...node, posix: undefined }, 'attrs'],
  ['another kind', folder, node, 'replace'],
  ['a file for a link', file, linkNode, 'replace'],
  ['a folder alike', folder, folderNode, 'same'],
  ['a folder with other times', { ...folder, ...changed, mtime: 9 }, folderNode, 'attrs'],
  [
    'a folder with another owner',
    { ...folder, ...changed, posix: '1:1:0:daemon:root:5000000:::' },
    folderNode,
    'attrs',
  ],
  ['a folder with extended attributes', { ...folder, ...changed, xattrs: { 'user.a': 'AA==' } }, folderNode, 'attrs'],
  ['a folder without them', { ...folder, ...changed, xattrs: {} }, { ...folderNode, xattrs: { a: '' } }, 'attrs'],
  ['a folder in which something changed', { ...folder, ...changed, xattrs: {} }, folderNode, 'note'],
  ['a folder changed in the cloud', folder, { ...folderNode, mtime: 9, xattrs: { a: '' } }, 'same'],
  ['a folder unknown to the index', folder, { ...folderNode, source: undefined }, 'note'],
  ['a folder on another disk', { ...folder, disk: '8' }, folderNode, 'note'],
  ['a link alike', link, linkNode, 'same'],
  ['a link elsewhere', { ...link, target: 'b' }, linkNode, 'replace'],
];

t.test('the verdict about an entry and the node at its place', async (t) => {
  for (const [what, entry, node, verdict] of cases) t.equal(decide(entry, node), verdict, what);
});

t.test('a moved file keeps inode, size and time; a folder its inode', async (t) => {
  t.ok(looksMoved(file, node));
  t.notOk(looksMoved({ ...file, size: 11 }, node));
  t.notOk(looksMoved({ ...file, mtime: 6 }, node));
  t.notOk(looksMoved({ ...file, inode: '1.5' }, node), 'the inode was given to a new file');
  t.notOk(looksMoved(folder, node));
  t.ok(looksMoved({ ...folder, mtime: 99 }, folderNode));
  t.notOk(looksMoved(file, { ...node, source: undefined }));
});
