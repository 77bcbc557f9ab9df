import { background } from '../../../src/vfs/context.ts';
import { isFsError } from '../../../src/vfs/fs-error.ts';
import { names, put, readOnly, readWrite, refused, text, until, type Add } from './rig.ts';

/** Folders, symlinks, lookup, removal. */
export function treeContract(add: Add): void {
  add('the root is a folder and its own parent', async ({ t, fs }) => {
    const root = await fs.getattr(fs.root, background);
    t.match(root, { id: fs.root, parent: fs.root, name: '', kind: 'folder', size: 0 });
  });

  add('a new folder is empty and can be found', async ({ t, fs, folder }) => {
    const made = await fs.mkdir(folder, 'f', {}, background);
    t.match(made, { parent: folder, name: 'f', kind: 'folder', size: 0 });
    t.match(await fs.lookup(folder, 'f', background), { id: made.id, kind: 'folder', name: 'f' });
    t.match(await fs.getattr(made.id, background), { id: made.id, parent: folder, kind: 'folder' });
    t.strictSame(await names({ fs }, made.id), []);
  });

  add('a name can be used only once', async (c) => {
    const { fs, folder } = c;
    await fs.mkdir(folder, 'd', {}, background);
    await put(c, folder, 'f', 'x');
    for (const name of ['d', 'f']) {
      await refused(c, 'EEXIST', () => fs.mkdir(folder, name, {}, background));
      await refused(c, 'EEXIST', () => fs.create(folder, name, {}, readWrite, background));
    }
    c.t.equal(await text(c, (await fs.lookup(folder, 'f', background)).id), 'x');
  });

  add('a missing name is not found', async (c) => {
    const { fs, folder } = c;
    await refused(c, 'ENOENT', () => fs.lookup(folder, 'no', background));
    await refused(c, 'ENOENT', () => fs.unlink(folder, 'no', background));
    await refused(c, 'ENOENT', () => fs.rmdir(folder, 'no', background));
    await refused(c, 'ENOENT', () => fs.removeTree(folder, 'no', background));
    const to = { parent: folder, name: 'x' };
    await refused(c, 'ENOENT', () => fs.rename({ parent: folder, name: 'no' }, to, {}, background));
    c.t.strictSame(await names(c, folder), []);
  });

  add('a file has no children', async (c) => {
    const { fs, folder } = c;
    const file = (await put(c, folder, 'f', 'x')).id;
    await refused(c, 'ENOTDIR', () => fs.lookup(file, 'x', background));
    await refused(c, 'ENOTDIR', () => fs.readdir(file, { limit: 10 }, background));
    await refused(c, 'ENOTDIR', () => fs.mkdir(file, 'x', {}, background));
    await refused(c, 'ENOTDIR', () => fs.create(file, 'x', {}, readWrite, background));
    await refused(c, 'ENOTDIR', () => fs.unlink(file, 'x', background));
    await refused(c, 'ENOTDIR', () => fs.rmdir(file, 'x', background));
    await refused(c, 'ENOTDIR', () => fs.removeTree(file, 'x', background));
    await refused(c, 'ENOTDIR', () =>
      fs.rename({ parent: folder, name: 'f' }, { parent: file, name: 'x' }, {}, background),
    );
  });

  add('a removed node is no longer known', async (c) => {
    const { fs, folder } = c;
    const gone = (await fs.mkdir(folder, 'd', {}, background)).id;
    const file = (await put(c, folder, 'f', 'x')).id;
    await fs.rmdir(folder, 'd', background);
    await fs.unlink(folder, 'f', background);
    for (const id of [gone, file]) await refused(c, ['ESTALE', 'ENOENT'], () => fs.getattr(id, background));
    await refused(c, ['ESTALE', 'ENOENT'], () => fs.open(file, readOnly, background));
    await refused(c, ['ESTALE', 'ENOENT'], () => fs.mkdir(gone, 'x', {}, background));
    await refused(c, ['ESTALE', 'ENOENT'], () => fs.readdir(gone, { limit: 1 }, background));
    await refused(c, ['ESTALE', 'ENOENT'], () => fs.setattr(file, { mtime: 0 }, background));
  });

  add('unlink removes files, rmdir empty folders', async (c) => {
    const { t, fs, folder } = c;
    const { id } = await fs.mkdir(folder, 'd', {}, background);
    await put(c, id, 'f', 'x');
    await refused(c, 'EISDIR', () => fs.unlink(folder, 'd', background));
    await refused(c, 'ENOTDIR', () => fs.rmdir(id, 'f', background));
    await refused(c, 'ENOTEMPTY', () => fs.rmdir(folder, 'd', background));
    await fs.unlink(id, 'f', background);
    await fs.rmdir(folder, 'd', background);
    t.strictSame(await names(c, folder), []);
  });

  add('removeTree removes a folder with everything below, or one file', async (c) => {
    const { t, fs, folder } = c;
    const a = (await fs.mkdir(folder, 'a', {}, background)).id;
    const b = (await fs.mkdir(a, 'b', {}, background)).id;
    const leaf = (await put(c, b, 'leaf', 'x')).id;
    await put(c, a, 'other', 'y');
    await put(c, folder, 'f', 'z');
    await put(c, folder, 'stays', 'z');
    await fs.removeTree(folder, 'a', background);
    await fs.removeTree(folder, 'f', background);
    t.strictSame(await names(c, folder), ['stays']);
    // Nodes below may be removed after the call has resolved.
    for (const id of [a, b, leaf]) {
      await until(() => isGone(() => fs.getattr(id, background)), `${id} is gone`);
      await refused(c, ['ESTALE', 'ENOENT'], () => fs.getattr(id, background));
    }
    await refused(c, ['ESTALE', 'ENOENT'], () => fs.lookup(b, 'leaf', background));
  });

  add('a name can be reused, also for another kind of node', async (c) => {
    const { t, fs, folder } = c;
    const first = await put(c, folder, 'n', 'one');
    await fs.unlink(folder, 'n', background);
    const second = await fs.mkdir(folder, 'n', {}, background);
    t.equal(second.kind, 'folder');
    await fs.rmdir(folder, 'n', background);
    const third = await put(c, folder, 'n', 'three');
    t.equal(await text(c, third.id), 'three');
    if (c.traits.stableIds) t.equal(new Set([first.id, second.id, third.id]).size, 3, 'ids are not reused');
  });

  add(
    'a symlink keeps its target unchanged',
    async (c) => {
      const { t, fs, folder } = c;
      const targets = ['nowhere', '../f', '/absolute/päth', './a//b/', 'x'.repeat(1000)];
      for (const [index, target] of targets.entries()) {
        const made = await fs.symlink(folder, `l${index}`, target, background);
        t.match(made, { kind: 'symlink', name: `l${index}`, parent: folder, size: Buffer.byteLength(target) });
        t.equal(await fs.readlink(made.id, background), target);
        t.match(await fs.lookup(folder, `l${index}`, background), { kind: 'symlink', size: made.size });
      }
      await refused(c, 'EEXIST', () => fs.symlink(folder, 'l0', 'x', background));
      await fs.unlink(folder, 'l0', background);
      t.notOk((await names(c, folder)).includes('l0'));
    },
    'symlinks',
  );

  add(
    'a symlink is not followed',
    async (c) => {
      const { t, fs, folder } = c;
      const file = await put(c, folder, 'f', 'x');
      const link = await fs.symlink(folder, 'l', 'f', background);
      await refused(c, 'ELOOP', () => fs.open(link.id, readOnly, background));
      await refused(c, 'EINVAL', () => fs.readlink(file.id, background));
      await refused(c, 'EINVAL', () => fs.readlink(folder, background));
      await refused(c, 'ENOTDIR', () => fs.lookup(link.id, 'x', background));
      await fs.unlink(folder, 'l', background);
      t.equal(await text(c, file.id), 'x');
    },
    'symlinks',
  );

  add('a folder cannot be opened', async (c) => {
    await refused(c, 'EISDIR', () => c.fs.open(c.folder, readOnly, background));
    await refused(c, 'EISDIR', () => c.fs.open(c.folder, readWrite, background));
  });

  add(
    'statfs returns plausible figures',
    async ({ t, fs, folder }) => {
      const { total, used, available, files } = await fs.statfs(folder, background);
      for (const figure of [total, used, available, files]) t.ok(Number.isFinite(figure) && figure >= 0);
      t.ok(available <= total);
    },
    'statfs',
  );
}

async function isGone(look: () => unknown): Promise<boolean> {
  try {
    await look();
    return false;
  } catch (error) {
    if (isFsError(error)) return true;
    throw error;
  }
}
