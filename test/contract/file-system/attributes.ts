import { background } from '../../../src/vfs/context.ts';
import { bytes, names, put, readWrite, refused, text, type Add } from './rig.ts';

/** Times, modes, extended attributes, versions. */
export function attributesContract(add: Add): void {
  add('new nodes have the current time, or the given one', async (c) => {
    const { t, fs, folder, traits } = c;
    const { mtime } = await put(c, folder, 'now', 'x');
    t.ok(Math.abs(mtime - Date.now()) < 3_600_000);
    if (!traits.randomWrites) return;
    const given = { mtime: 1_234_567_890_000, birthtime: 1_000_000_000_000 };
    t.equal((await fs.mkdir(folder, 'd', given, background)).mtime, given.mtime);
    const handle = await fs.create(folder, 'f', given, readWrite, background);
    await handle.close();
    const file = await fs.lookup(folder, 'f', background);
    t.equal(file.mtime, given.mtime);
    if (traits.birthtime) t.equal(file.birthtime, given.birthtime);
  });

  add('setattr sets the mtime, with the precision of the implementation', async (c) => {
    const { t, fs, folder, traits } = c;
    const { id } = await put(c, folder, 'f', 'x');
    for (const time of [0, 1_000_000_000_123, 2_000_000_000_999, 4_102_444_800_000]) {
      const wanted = Math.floor(time / traits.timePrecision) * traits.timePrecision;
      t.equal((await fs.setattr(id, { mtime: time }, background)).mtime, wanted);
      t.equal((await fs.lookup(folder, 'f', background)).mtime, wanted);
    }
    t.equal(await text(c, id), 'x');
    const dir = await fs.mkdir(folder, 'd', {}, background);
    await fs.setattr(dir.id, { mtime: 86_400_000 }, background);
    t.equal((await fs.getattr(dir.id, background)).mtime, 86_400_000);
  });

  add('writing updates the mtime, even after one that was set', async (c) => {
    const { id } = await put(c, c.folder, 'f', 'x');
    await c.fs.setattr(id, { mtime: 1_000_000_000_000 }, background);
    const handle = await c.fs.open(id, { read: false, write: true, truncate: true }, background);
    await handle.write(Buffer.from('y'), 0, background);
    await handle.close();
    const { mtime } = await c.fs.lookup(c.folder, 'f', background);
    c.t.ok(mtime > 1_500_000_000_000);
  });

  add('ctime never goes back', async ({ t, fs, folder }) => {
    const made = await fs.mkdir(folder, 'd', {}, background);
    const touched = await fs.setattr(made.id, { mtime: 0 }, background);
    t.ok(touched.ctime >= made.ctime);
    t.ok((await fs.getattr(made.id, background)).ctime >= made.ctime);
  });

  add(
    'all mode bits of 0o7777 are stored',
    async (c) => {
      const { t, fs, folder } = c;
      t.equal((await fs.mkdir(folder, 'd', { mode: 0o700 }, background)).mode, 0o700);
      const handle = await fs.create(folder, 'f', { mode: 0o640 }, readWrite, background);
      await handle.close();
      const { id, mode } = await fs.lookup(folder, 'f', background);
      t.equal(mode, 0o640);
      for (const mode of [0o755, 0o400, 0o7777, 0o644]) {
        t.equal((await fs.setattr(id, { mode }, background)).mode, mode);
        t.equal((await fs.getattr(id, background)).mode, mode);
      }
    },
    'modes',
  );

  add(
    'extended attributes are set, changed, removed',
    async (c) => {
      const { t, fs, folder } = c;
      const base64 = (value: Buffer | string): string => Buffer.from(value).toString('base64');
      const big = base64(bytes(3000));
      const { id } = await put(c, folder, 'f', 'x');
      t.strictSame(await fs.xattrs(id, background), {});
      await fs.setattr(id, { xattrs: { 'user.a': base64('1'), 'user.b': big, 'user.å': '' } }, background);
      t.strictSame({ ...(await fs.xattrs(id, background)) }, { 'user.a': base64('1'), 'user.b': big, 'user.å': '' });
      await fs.setattr(id, { xattrs: { 'user.a': base64('2'), 'user.b': null } }, background);
      t.strictSame({ ...(await fs.xattrs(id, background)) }, { 'user.a': base64('2'), 'user.å': '' });
      await fs.rename({ parent: folder, name: 'f' }, { parent: folder, name: 'g' }, {}, background);
      const renamed = await fs.lookup(folder, 'g', background);
      t.strictSame({ ...(await fs.xattrs(renamed.id, background)) }, { 'user.a': base64('2'), 'user.å': '' });
      const dir = await fs.mkdir(folder, 'd', { xattrs: { 'user.k': base64('v') } }, background);
      t.strictSame({ ...(await fs.xattrs(dir.id, background)) }, { 'user.k': base64('v') });
    },
    'xattrs',
  );

  add(
    'setattr changes everything or nothing',
    async (c) => {
      const { id } = await put(c, c.folder, 'f', 'abc');
      await c.fs.setattr(id, { mtime: 1_000_000_000_000 }, background);
      await refused(c, 'EINVAL', () => c.fs.setattr(id, { mtime: 5000, size: -1 }, background));
      c.t.match(await c.fs.getattr(id, background), { mtime: 1_000_000_000_000, size: 3 });
    },
    'randomWrites',
  );

  add(
    'the version is unchanged while the content is',
    async (c) => {
      const { t, fs, folder } = c;
      const { id, version } = await put(c, folder, 'f', 'abc');
      const same = async (what: string): Promise<void> => {
        const [name] = (await names(c, folder)).filter((name) => name !== 'd');
        t.equal((await fs.lookup(folder, name ?? '', background)).version, version, what);
      };
      t.match(version, /^[\x21\x23-\x7e]+$/, 'safe inside an ETag');
      t.equal((await fs.getattr(id, background)).version, version);
      const { entries } = await fs.readdir(folder, { limit: 5 }, background);
      t.equal(entries[0]?.version, version);
      await fs.setattr(id, { mtime: 1_000_000_000_000 }, background);
      await same('after touch');
      if (c.traits.modes) await fs.setattr(id, { mode: 0o600 }, background);
      await same('after chmod');
      if (c.traits.xattrs) await fs.setattr(id, { xattrs: { 'user.a': 'AAAA' } }, background);
      await same('after setxattr');
      await text(c, id);
      await same('after read');
      await (await fs.open(id, readWrite, background)).close();
      await same('after an open for writing in which nothing was written');
      await fs.rename({ parent: folder, name: 'f' }, { parent: folder, name: 'g' }, {}, background);
      await same('after rename');
    },
    'versions',
  );

  add(
    'the version changes with every change of the content',
    async (c) => {
      const { t, fs, folder } = c;
      const first = await put(c, folder, 'f', 'abc');
      const seen = new Set([first.version]);
      const isNew = async (what: string): Promise<void> => {
        const { version } = await fs.lookup(folder, 'f', background);
        t.notOk(seen.has(version), what);
        seen.add(version);
      };
      const handle = await fs.open(first.id, readWrite, background);
      await handle.write(Buffer.from('X'), 0, background);
      await isNew('a write, still open');
      await handle.write(Buffer.from('Y'), 0, background);
      await isNew('a second write of the same handle');
      await handle.truncate(2, background);
      await isNew('ftruncate');
      await handle.close();
      t.equal((await fs.lookup(folder, 'f', background)).size, 2);
      seen.add((await fs.lookup(folder, 'f', background)).version);
      await fs.setattr(first.id, { size: 10 }, background);
      await isNew('truncate');
    },
    'versions',
    'randomWrites',
  );
}
