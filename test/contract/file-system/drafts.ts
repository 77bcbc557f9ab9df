import { background } from '../../../src/vfs/context.ts';
import { bytes, get, names, put, refused, text, type Add } from './rig.ts';

/** Drafts: complete contents that replace a file at once. */
export function draftsContract(outer: Add): void {
  const add = (name: string, body: Parameters<Add>[1]): void => outer(name, body, 'drafts');

  add('a draft is invisible until it is committed', async (c) => {
    const { t, fs, folder } = c;
    const draft = await fs.draft(folder, 'f', {}, background);
    t.equal(draft.size, 0);
    await draft.append(Buffer.from('one'), background);
    await draft.append(Buffer.from('two'), background);
    t.equal(draft.size, 6);
    t.strictSame(await names(c, folder), []);
    await refused(c, 'ENOENT', () => fs.lookup(folder, 'f', background));
    const attr = await draft.commit({}, background);
    t.match(attr, { name: 'f', parent: folder, kind: 'file', size: 6 });
    t.match(await fs.lookup(folder, 'f', background), { id: attr.id, size: 6, version: attr.version });
    t.equal(await text(c, attr.id), 'onetwo');
  });

  add('a draft becomes the next version of the file', async (c) => {
    const { t, fs, folder, traits } = c;
    const old = await put(c, folder, 'f', 'old content');
    if (traits.modes) await fs.setattr(old.id, { mode: 0o751 }, background);
    if (traits.xattrs) await fs.setattr(old.id, { xattrs: { 'user.a': 'AAAA' } }, background);
    const draft = await fs.draft(folder, 'f', { mtime: 1_000_000_000_000 }, background);
    await draft.append(Buffer.from('new'), background);
    t.equal(await text(c, old.id), 'old content');
    const attr = await draft.commit({}, background);
    t.equal(await text(c, attr.id), 'new');
    t.strictSame(await names(c, folder), ['f']);
    t.equal(attr.mtime, 1_000_000_000_000);
    if (traits.versions) t.not(attr.version, old.version);
    if (traits.stableIds) t.equal(attr.id, old.id, 'it is the same file');
    if (traits.modes) t.equal(attr.mode, 0o751, 'the mode stays');
    if (traits.xattrs) t.strictSame({ ...(await fs.xattrs(attr.id, background)) }, { 'user.a': 'AAAA' });
  });

  add('a discarded draft changes nothing', async (c) => {
    const { t, fs, folder } = c;
    const old = await put(c, folder, 'f', 'old');
    for (const name of ['f', 'g']) {
      const draft = await fs.draft(folder, name, {}, background);
      await draft.append(Buffer.from('new'), background);
      await draft.discard();
      await draft.discard();
    }
    t.strictSame(await names(c, folder), ['f']);
    t.equal(await text(c, old.id), 'old');
    t.equal((await fs.lookup(folder, 'f', background)).version, old.version);
  });

  add('discard after commit is harmless', async (c) => {
    const draft = await c.fs.draft(c.folder, 'f', {}, background);
    await draft.append(Buffer.from('x'), background);
    const { id } = await draft.commit({}, background);
    await draft.discard();
    c.t.equal(await text(c, id), 'x');
  });

  add('an empty draft is an empty file', async (c) => {
    const draft = await c.fs.draft(c.folder, 'f', {}, background);
    c.t.match(await draft.commit({}, background), { size: 0, kind: 'file' });
    const { id } = await put(c, c.folder, 'g', 'content');
    await (await c.fs.draft(c.folder, 'g', {}, background)).commit({}, background);
    c.t.equal(await text(c, id), '');
  });

  add('expected: a version that still holds', async (c) => {
    const { version } = await put(c, c.folder, 'f', 'old');
    const draft = await c.fs.draft(c.folder, 'f', {}, background);
    await draft.append(Buffer.from('new'), background);
    const { id } = await draft.commit({ expected: version }, background);
    c.t.equal(await text(c, id), 'new');
  });

  add('expected: a version that no longer holds', async (c) => {
    const { t, fs, folder } = c;
    const { version } = await put(c, folder, 'f', 'old');
    const late = await fs.draft(folder, 'f', {}, background);
    await late.append(Buffer.from('late'), background);
    const early = await fs.draft(folder, 'f', {}, background);
    await early.append(Buffer.from('early'), background);
    await early.commit({ expected: version }, background);
    await refused(c, 'ESTALE', () => late.commit({ expected: version }, background));
    await late.discard();
    t.equal(await text(c, (await fs.lookup(folder, 'f', background)).id), 'early');
    const other = await fs.draft(folder, 'missing', {}, background);
    await refused(c, 'ESTALE', () => other.commit({ expected: version }, background));
    t.strictSame(await names(c, folder), ['f']);
  });

  add('expected null: the name must be free', async (c) => {
    const { t, fs, folder } = c;
    const first = await fs.draft(folder, 'f', {}, background);
    const second = await fs.draft(folder, 'f', {}, background);
    await first.append(Buffer.from('first'), background);
    await second.append(Buffer.from('second'), background);
    const { id } = await first.commit({ expected: null }, background);
    await refused(c, 'ESTALE', () => second.commit({ expected: null }, background));
    t.equal(await text(c, id), 'first');
  });

  add('of several drafts without expectations, the last commit wins', async (c) => {
    const drafts = await Promise.all([1, 2, 3].map(() => c.fs.draft(c.folder, 'f', {}, background)));
    for (const [i, draft] of drafts.entries()) await draft.append(Buffer.from(`draft ${i}`), background);
    for (const draft of drafts) await draft.commit({}, background);
    c.t.strictSame(await names(c, c.folder), ['f']);
    c.t.equal(await text(c, (await c.fs.lookup(c.folder, 'f', background)).id), 'draft 2');
  });

  add('a folder is not replaced', async (c) => {
    const { fs, folder } = c;
    await fs.mkdir(folder, 'd', {}, background);
    await refused(c, 'EISDIR', () => fs.draft(folder, 'd', {}, background));
    const draft = await fs.draft(folder, 'e', {}, background);
    await fs.mkdir(folder, 'e', {}, background);
    await refused(c, 'EISDIR', () => draft.commit({}, background));
    c.t.equal((await fs.lookup(folder, 'e', background)).kind, 'folder');
  });

  add('a draft in a folder that was removed is lost with it', async (c) => {
    const { id } = await c.fs.mkdir(c.folder, 'd', {}, background);
    const draft = await c.fs.draft(id, 'f', {}, background);
    await draft.append(Buffer.from('x'), background);
    await c.fs.removeTree(c.folder, 'd', background);
    await refused(c, ['ESTALE', 'ENOENT'], () => draft.commit({}, background));
    c.t.strictSame(await names(c, c.folder), []);
  });

  add('a draft of several MiB in parts of odd lengths', async (c) => {
    const data = bytes(3_456_789);
    const draft = await c.fs.draft(c.folder, 'f', {}, background);
    for (let at = 0, step = 1; at < data.length; at += step, step = Math.min(3 * step + 1, 700_001)) {
      await draft.append(data.subarray(at, at + step), background);
    }
    const { id, size } = await draft.commit({}, background);
    c.t.equal(size, data.length);
    c.t.ok((await get(c, id)).equals(data));
  });
}
