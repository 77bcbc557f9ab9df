import { background } from '../../../src/vfs/context.ts';
import { drain, names, put, readOnly, readWrite, text, type Add } from './rig.ts';

/** A handle refers to the node, not to the path. */
export function handlesContract(add: Add): void {
  add(
    'a handle works after a rename',
    async (c) => {
      const { t, fs, folder } = c;
      const { id } = await fs.mkdir(folder, 'd', {}, background);
      const handle = await fs.create(folder, 'f', {}, readWrite, background);
      await handle.write(Buffer.from('one'), 0, background);
      await fs.rename({ parent: folder, name: 'f' }, { parent: id, name: 'g' }, {}, background);
      await handle.write(Buffer.from('two'), 3, background);
      t.equal((await drain(handle)).toString(), 'onetwo');
      await fs.rename({ parent: folder, name: 'd' }, { parent: folder, name: 'e' }, {}, background);
      await handle.write(Buffer.from('three'), 6, background);
      await handle.close();
      const parent = (await fs.lookup(folder, 'e', background)).id;
      t.equal(await text(c, (await fs.lookup(parent, 'g', background)).id), 'onetwothree');
    },
    'randomWrites',
    'openUnlinked',
  );

  add(
    'a handle works after unlink, and a new file with the name is another one',
    async (c) => {
      const { t, fs, folder } = c;
      await put(c, folder, 'f', 'old');
      const { id } = await fs.lookup(folder, 'f', background);
      const handle = await fs.open(id, readWrite, background);
      await fs.unlink(folder, 'f', background);
      t.strictSame(await names(c, folder), []);
      await put(c, folder, 'f', 'new');
      await handle.write(Buffer.from('er'), 3, background);
      t.equal((await drain(handle)).toString(), 'older');
      await handle.truncate(2, background);
      t.equal((await handle.attr(background)).size, 2);
      await handle.sync(background);
      await handle.close();
      t.strictSame(await names(c, folder), ['f']);
      t.equal(await text(c, (await fs.lookup(folder, 'f', background)).id), 'new');
    },
    'randomWrites',
    'openUnlinked',
  );

  add(
    'a handle keeps a file that a rename has replaced',
    async (c) => {
      const { t, fs, folder } = c;
      const old = await put(c, folder, 'f', 'old');
      await put(c, folder, 'g', 'new');
      const handle = await fs.open(old.id, readOnly, background);
      await fs.rename({ parent: folder, name: 'g' }, { parent: folder, name: 'f' }, {}, background);
      t.equal((await drain(handle)).toString(), 'old');
      await handle.close();
      t.strictSame(await names(c, folder), ['f']);
      t.equal(await text(c, (await fs.lookup(folder, 'f', background)).id), 'new');
    },
    'openUnlinked',
  );

  add(
    'a snapshot handle keeps replaced content',
    async (c) => {
      const { t, fs, folder } = c;
      const old = await put(c, folder, 'f', 'old content');
      const snapshot = await fs.open(old.id, { ...readOnly, snapshot: true }, background);
      const into = Buffer.alloc(4);
      await snapshot.read(into, 0, background);
      for (const content of ['new', 'newer, and longer']) {
        const draft = await fs.draft(folder, 'f', {}, background);
        await draft.append(Buffer.from(content), background);
        await draft.commit({}, background);
        await snapshot.read(into, 3, background);
        t.equal(into.toString(), ' con');
        t.equal((await snapshot.attr(background)).size, 11);
      }
      t.equal((await drain(snapshot)).toString(), 'old content', 'to its end');
      await snapshot.close();
      t.equal(await text(c, (await fs.lookup(folder, 'f', background)).id), 'newer, and longer');
    },
    'drafts',
  );

  add(
    'a handle works after removeTree',
    async (c) => {
      const { t, fs, folder } = c;
      const { id } = await fs.mkdir(folder, 'd', {}, background);
      const file = await put(c, id, 'f', 'content');
      const handle = await fs.open(file.id, readWrite, background);
      await fs.removeTree(folder, 'd', background);
      await handle.write(Buffer.from('!'), 7, background);
      t.equal((await drain(handle)).toString(), 'content!');
      await handle.close();
      t.strictSame(await names(c, folder), []);
    },
    'randomWrites',
    'openUnlinked',
    'openRemovedTree',
  );

  add('a handle returns the attributes of its node', async (c) => {
    const { t, fs, folder } = c;
    const file = await put(c, folder, 'f', 'four');
    const handle = await fs.open(file.id, readOnly, background);
    t.match(await handle.attr(background), { kind: 'file', name: 'f', size: 4 });
    if (c.traits.stableIds) t.equal(handle.node, file.id);
    await handle.close();
  });

  add('an aborted call ends, with a result or EINTR, and does no harm', async (c) => {
    const { t, fs, folder } = c;
    const file = await put(c, folder, 'f', 'content');
    const context = { signal: AbortSignal.abort() };
    const handle = await fs.open(file.id, readOnly, background);
    const calls = [
      () => fs.getattr(file.id, context),
      () => fs.lookup(folder, 'f', context),
      () => fs.readdir(folder, { limit: 10 }, context),
      () => handle.read(Buffer.alloc(3), 0, context),
    ];
    for (const call of calls) {
      const code = await Promise.resolve()
        .then<unknown>(call)
        .then(
          () => 'answered',
          (error: { code?: string }) => error.code,
        );
      t.ok(code === 'answered' || code === 'EINTR', String(code));
    }
    t.equal((await drain(handle)).toString(), 'content');
    await handle.close();
  });

  add('a hold can be taken and released twice', async (c) => {
    const file = await put(c, c.folder, 'f', 'x');
    const hold = await c.fs.hold(file.id, background);
    hold.release();
    hold.release();
    c.t.equal(await text(c, file.id), 'x');
  });
}
