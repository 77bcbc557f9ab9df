import { background } from '../../../src/vfs/context.ts';
import { compareUtf8 } from '../../helpers/memory-node.ts';
import { names, put, readWrite, refused, text, type Add, type Case } from './rig.ts';

const usual = [
  'a',
  'A',
  '.hidden',
  '..x',
  '...',
  ' leading and trailing ',
  'dot.',
  '~',
  '-rf',
  'a%2Fb',
  '100%',
  'a?b=c#d&e;f',
  'back\\slash',
  'quote"\'`',
  '<tag>&amp;',
  '[x]{y}(z)*',
  'con',
  'å ø æ ß',
  '日本語',
  'עברית',
  'e\u0301\u0301',
  '\u{1f469}\u200d\u{1f680}',
  '\ufffd',
  '\ufffe',
  'x'.repeat(255),
  'ø'.repeat(127),
  '\u{1f600}'.repeat(63),
];

const impossible = ['', '.', '..', 'a/b', '/', 'nul\0', '\ud800', 'x\udc00y'];

/** Valid names and their order. */
export function namesContract(add: Add): void {
  add('names are listed byte for byte, in the order of their bytes', async (c) => {
    const { t, fs, folder } = c;
    for (const name of usual) t.equal((await put(c, folder, name, name)).name, name);
    t.strictSame(await names(c, folder), usual.toSorted(compareUtf8));
    for (const name of usual) {
      const attr = await fs.lookup(folder, name, background);
      t.equal(await text(c, attr.id), name);
    }
    for (const name of usual) await fs.unlink(folder, name, background);
    t.strictSame(await names(c, folder), []);
  });

  add(
    'control characters are valid in names',
    async (c) => {
      const odd = ['\n', 'a\tb', '\u0001', '\u007f', 'bell\u0007', '\u0085'];
      for (const name of odd) await put(c, c.folder, name, name);
      c.t.strictSame(await names(c, c.folder), odd.toSorted(compareUtf8));
      for (const name of odd) c.t.equal((await c.fs.lookup(c.folder, name, background)).name, name);
    },
    'controlNames',
  );

  add(
    'names that differ only in normal form are different',
    async (c) => {
      const { t, folder } = c;
      const [nfc, nfd] = ['\u00e5', 'a\u030a'];
      await put(c, folder, nfc, 'composed');
      await put(c, folder, nfd, 'decomposed');
      t.strictSame(await names(c, folder), [nfd, nfc]);
      t.equal(await text(c, (await c.fs.lookup(folder, nfc, background)).id), 'composed');
      t.equal(await text(c, (await c.fs.lookup(folder, nfd, background)).id), 'decomposed');
    },
    'normalForms',
  );

  add('case matters', async (c) => {
    await put(c, c.folder, 'Name', 'x');
    await refused(c, 'ENOENT', () => c.fs.lookup(c.folder, 'name', background));
    await put(c, c.folder, 'name', 'y');
    c.t.strictSame(await names(c, c.folder), ['Name', 'name']);
  });

  add('invalid names are refused by every call', async (c) => {
    for (const name of impossible) await everyCall(c, 'EINVAL', name);
    c.t.strictSame(await names(c, c.folder), ['there']);
  });

  add('a name of 256 bytes is too long', async (c) => {
    for (const name of ['x'.repeat(256), `${'ø'.repeat(127)}xy`, '\u{1f600}'.repeat(64)]) {
      await everyCall(c, 'ENAMETOOLONG', name);
    }
    c.t.strictSame(await names(c, c.folder), ['there']);
  });
}

async function everyCall(c: Case, code: 'EINVAL' | 'ENAMETOOLONG', name: string): Promise<void> {
  const { fs, folder, traits } = c;
  const present = (await names(c, folder)).includes('there');
  const there = present ? await fs.lookup(folder, 'there', background) : await put(c, folder, 'there', 'x');
  const from = { parent: folder, name: 'there' };
  await refused(c, code, () => fs.lookup(folder, name, background));
  await refused(c, code, () => fs.mkdir(folder, name, {}, background));
  await refused(c, code, () => fs.create(folder, name, {}, readWrite, background));
  await refused(c, code, () => fs.unlink(folder, name, background));
  await refused(c, code, () => fs.rmdir(folder, name, background));
  await refused(c, code, () => fs.removeTree(folder, name, background));
  await refused(c, code, () => fs.rename(from, { parent: folder, name }, {}, background));
  await refused(c, code, () => fs.rename({ parent: folder, name }, from, {}, background));
  await refused(c, code, () => fs.copy(there.id, { parent: folder, name }, { replace: true }, background));
  if (traits.symlinks) await refused(c, code, () => fs.symlink(folder, name, 'x', background));
  if (traits.drafts) await refused(c, code, () => fs.draft(folder, name, {}, background));
}
