import { background } from '../../../src/vfs/context.ts';
import type { RenameFlags } from '../../../src/vfs/file-system.ts';
import type { Attr, NodeId } from '../../../src/vfs/node.ts';
import { get, names, put, refused, text, type Add, type Case } from './rig.ts';

/** `rename` and `copy`. */
export function movesContract(add: Add): void {
  add('rename changes the name of a file, and its folder', async (c) => {
    const { t, fs, folder, traits } = c;
    const dir = (await fs.mkdir(folder, 'd', {}, background)).id;
    const file = await put(c, folder, 'f', 'content');
    await fs.setattr(file.id, { mtime: 1_000_000_000_000 }, background);
    const renamed = await move(c, folder, 'f', folder, 'g');
    t.match(renamed, { name: 'g', parent: folder, kind: 'file', size: 7 });
    const moved = await move(c, folder, 'g', dir, 'h');
    t.match(moved, { name: 'h', parent: dir, size: 7 });
    t.strictSame([await names(c, folder), await names(c, dir)], [['d'], ['h']]);
    t.equal(await text(c, moved.id), 'content');
    t.equal(moved.mtime, 1_000_000_000_000);
    if (traits.stableIds) t.equal(moved.id, file.id);
    await refused(c, 'ENOENT', () => fs.lookup(folder, 'f', background));
  });

  add('a folder moves with everything below it', async (c) => {
    const { t, fs, folder } = c;
    const a = (await fs.mkdir(folder, 'a', {}, background)).id;
    const b = (await fs.mkdir(a, 'b', {}, background)).id;
    const leaf = await put(c, b, 'leaf', 'x');
    await fs.mkdir(folder, 'z', {}, background);
    const z = (await fs.lookup(folder, 'z', background)).id;
    const moved = await move(c, folder, 'a', z, 'a2');
    t.strictSame(await names(c, folder), ['z']);
    const inner = await fs.lookup(moved.id, 'b', background);
    t.equal(await text(c, (await fs.lookup(inner.id, 'leaf', background)).id), 'x');
    if (c.traits.stableIds) t.match(await fs.getattr(leaf.id, background), { id: leaf.id, parent: b });
  });

  add('a file replaces a file', async (c) => {
    const { t, fs, folder, traits } = c;
    const from = await put(c, folder, 'f', 'new');
    const old = await put(c, folder, 'g', 'old');
    const moved = await move(c, folder, 'f', folder, 'g');
    t.strictSame(await names(c, folder), ['g']);
    t.equal(await text(c, moved.id), 'new');
    if (traits.stableIds) {
      t.equal(moved.id, from.id);
      await refused(c, ['ESTALE', 'ENOENT'], () => fs.getattr(old.id, background));
    }
  });

  add('a folder replaces an empty folder only', async (c) => {
    const { t, fs, folder } = c;
    const a = (await fs.mkdir(folder, 'a', {}, background)).id;
    await put(c, a, 'f', 'x');
    await fs.mkdir(folder, 'b', {}, background);
    const full = (await fs.mkdir(folder, 'full', {}, background)).id;
    await put(c, full, 'g', 'y');
    await refused(c, ['ENOTEMPTY', 'EEXIST'], () => move(c, folder, 'a', folder, 'full'));
    const moved = await move(c, folder, 'a', folder, 'b');
    t.strictSame(await names(c, folder), ['b', 'full']);
    t.strictSame(await names(c, moved.id), ['f']);
  });

  add('a file and a folder do not replace each other', async (c) => {
    const { folder } = c;
    await c.fs.mkdir(folder, 'd', {}, background);
    await put(c, folder, 'f', 'x');
    await refused(c, 'EISDIR', () => move(c, folder, 'f', folder, 'd'));
    await refused(c, 'ENOTDIR', () => move(c, folder, 'd', folder, 'f'));
    c.t.strictSame(await names(c, folder), ['d', 'f']);
  });

  add('a folder cannot be moved into itself', async (c) => {
    const { fs, folder } = c;
    const a = (await fs.mkdir(folder, 'a', {}, background)).id;
    const b = (await fs.mkdir(a, 'b', {}, background)).id;
    await refused(c, 'EINVAL', () => move(c, folder, 'a', a, 'x'));
    await refused(c, 'EINVAL', () => move(c, folder, 'a', b, 'x'));
    await refused(c, ['ENOTEMPTY', 'EEXIST'], () => move(c, a, 'b', folder, 'a'));
    c.t.strictSame(await names(c, a), ['b']);
  });

  add('a node cannot replace a folder that contains it', async (c) => {
    const { fs, folder } = c;
    const a = (await fs.mkdir(folder, 'a', {}, background)).id;
    const b = (await fs.mkdir(a, 'b', {}, background)).id;
    await put(c, b, 'f', 'x');
    await refused(c, ['ENOTEMPTY', 'EEXIST'], () => move(c, b, 'f', a, 'b'));
    await refused(c, ['ENOTEMPTY', 'EEXIST'], () => move(c, b, 'f', folder, 'a'));
    c.t.strictSame(await names(c, b), ['f']);
  });

  add('a rename to itself changes nothing', async (c) => {
    const { id } = await put(c, c.folder, 'f', 'x');
    await move(c, c.folder, 'f', c.folder, 'f');
    c.t.strictSame(await names(c, c.folder), ['f']);
    c.t.equal(await text(c, id), 'x');
  });

  add('several renames end in the last place', async (c) => {
    const { folder } = c;
    await put(c, folder, 'f0', 'x');
    for (let i = 0; i < 30; i++) await move(c, folder, `f${i}`, folder, `f${i + 1}`);
    c.t.strictSame(await names(c, folder), ['f30']);
  });

  add(
    'noReplace refuses an existing name',
    async (c) => {
      const { folder } = c;
      await put(c, folder, 'f', 'f');
      await put(c, folder, 'g', 'g');
      await refused(c, 'EEXIST', () => move(c, folder, 'f', folder, 'g', { noReplace: true }));
      c.t.strictSame(await names(c, folder), ['f', 'g']);
      await move(c, folder, 'f', folder, 'h', { noReplace: true });
      c.t.strictSame(await names(c, folder), ['g', 'h']);
    },
    'noReplace',
  );

  add(
    'exchange swaps two nodes of any kind',
    async (c) => {
      const { t, fs, folder } = c;
      const d = (await fs.mkdir(folder, 'd', {}, background)).id;
      await put(c, d, 'inner', 'i');
      await put(c, folder, 'f', 'f');
      await put(c, folder, 'g', 'g');
      await move(c, folder, 'f', folder, 'g', { exchange: true });
      t.equal(await text(c, (await fs.lookup(folder, 'f', background)).id), 'g');
      t.equal(await text(c, (await fs.lookup(folder, 'g', background)).id), 'f');
      await move(c, folder, 'd', folder, 'f', { exchange: true });
      t.equal((await fs.lookup(folder, 'd', background)).kind, 'file');
      t.strictSame(await names(c, (await fs.lookup(folder, 'f', background)).id), ['inner']);
      await refused(c, 'ENOENT', () => move(c, folder, 'd', folder, 'no', { exchange: true }));
      const f = (await fs.lookup(folder, 'f', background)).id;
      await refused(c, 'EINVAL', () => move(c, folder, 'f', f, 'inner', { exchange: true }));
      await refused(c, 'EINVAL', () => move(c, f, 'inner', folder, 'f', { exchange: true }));
    },
    'exchange',
  );

  add('copy creates an independent file', async (c) => {
    const { t, fs, folder, traits } = c;
    const file = await put(c, folder, 'f', 'content');
    if (traits.xattrs) await fs.setattr(file.id, { xattrs: { 'user.a': 'AAAA' } }, background);
    const dir = (await fs.mkdir(folder, 'd', {}, background)).id;
    const copy = await fs.copy(file.id, { parent: dir, name: 'g' }, { replace: false }, background);
    t.match(copy, { name: 'g', parent: dir, kind: 'file', size: 7 });
    if (traits.stableIds) t.not(copy.id, file.id);
    if (traits.xattrs) t.strictSame({ ...(await fs.xattrs(copy.id, background)) }, { 'user.a': 'AAAA' });
    await rewrite(c, file.id, 'changed');
    t.equal(await text(c, copy.id), 'content');
    await rewrite(c, copy.id, 'also');
    t.equal(await text(c, file.id), 'changed');
    await fs.unlink(folder, 'f', background);
    t.equal(await text(c, copy.id), 'also');
  });

  add('copy replaces a file only if permitted, and never a folder', async (c) => {
    const { t, fs, folder } = c;
    const { id } = await put(c, folder, 'f', 'new');
    await put(c, folder, 'g', 'old');
    await fs.mkdir(folder, 'd', {}, background);
    const to = { parent: folder, name: 'g' };
    await refused(c, 'EEXIST', () => fs.copy(id, to, { replace: false }, background));
    t.equal(await text(c, (await fs.lookup(folder, 'g', background)).id), 'old');
    const copy = await fs.copy(id, to, { replace: true }, background);
    t.equal(await text(c, copy.id), 'new');
    await refused(c, 'EISDIR', () => fs.copy(id, { parent: folder, name: 'd' }, { replace: true }, background));
    t.strictSame(await names(c, folder), ['d', 'f', 'g']);
  });

  add('copy of an empty and of a large file', async (c) => {
    for (const size of [0, 3_000_001]) {
      const { id } = await put(c, c.folder, `f${size}`, Buffer.alloc(size, 7));
      const copy = await c.fs.copy(id, { parent: c.folder, name: `g${size}` }, { replace: false }, background);
      c.t.equal(copy.size, size);
      c.t.ok((await get(c, copy.id)).equals(Buffer.alloc(size, 7)));
    }
  });

  add(
    'copy of a folder copies only the folder itself',
    async (c) => {
      const { id } = await c.fs.mkdir(c.folder, 'd', {}, background);
      await put(c, id, 'f', 'x');
      const copy = await c.fs.copy(id, { parent: c.folder, name: 'e' }, { replace: false }, background);
      c.t.equal(copy.kind, 'folder');
      c.t.strictSame(await names(c, copy.id), []);
    },
    'copyFolders',
  );

  add(
    'copy of a symlink',
    async (c) => {
      const link = await c.fs.symlink(c.folder, 'l', 'target', background);
      const copy = await c.fs.copy(link.id, { parent: c.folder, name: 'm' }, { replace: false }, background);
      c.t.equal(copy.kind, 'symlink');
      c.t.equal(await c.fs.readlink(copy.id, background), 'target');
    },
    'symlinks',
  );
}

async function move(
  c: Case,
  from: NodeId,
  name: string,
  to: NodeId,
  as: string,
  flags: RenameFlags = {},
): Promise<Attr> {
  return await c.fs.rename({ parent: from, name }, { parent: to, name: as }, flags, background);
}

async function rewrite({ fs }: Case, id: NodeId, content: string): Promise<void> {
  const handle = await fs.open(id, { read: false, write: true, truncate: true }, background);
  await handle.write(Buffer.from(content), 0, background);
  await handle.close();
}
