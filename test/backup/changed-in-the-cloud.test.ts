import { appendFileSync, chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { v7 as newId } from 'uuid';
import type { Intent, NodeRecord } from '../../src/cloud/records.ts';
import { background } from '../../src/vfs/context.ts';
import { contentOf as bytesOf, openSet, tree } from '../helpers/backup-set.ts';
import { contentOf, mkdir, put, remove } from '../helpers/intents.ts';

t.setTimeout(500_000);

const NOTHING = { added: 0, changed: 0, touched: 0, moved: 0, removed: 0, problems: { length: 0 }, paused: undefined };

/** A set with a few files that is mirrored, and what a person does to its mirror by the cloud's API. */
async function mirrored(t: Test) {
  const set = await openSet(t);
  const { remote, folder, run } = set;
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  for (const name of ['sub', 'sub/deep', 'other']) mkdirSync(join(folder, name));
  for (const name of ['a', 'b', 'sub/c', 'sub/d', 'sub/deep/e', 'other/f']) write(name, `this is ${name}`);
  await run();
  const space = await remote.openBackup('set', background);
  const at = async (path: string): Promise<NodeRecord> => {
    const node = (await tree(remote)).get(path);
    if (!node) throw new Error(`nothing is at ${path}`);
    return node;
  };
  const commit = async (intent: Intent): Promise<NodeRecord> => {
    const [result] = await remote.commit([intent], background);
    if (result?.status !== 'done') throw new Error(JSON.stringify(result));
    return result.node;
  };
  const fill = async (text: string) => {
    const { blocks, wire } = contentOf(Buffer.from(text));
    await remote.upload(blocks, background);
    return wire;
  };
  const cloud = {
    async change(path: string, text: string) {
      const { id, version, parent, name } = await at(path);
      const place = { space: space.id, parent, name };
      await commit(put(place, await fill(text), { node: id, base: version }));
    },
    async create(path: string, text: string) {
      const name = path.split('/').at(-1) ?? '';
      const above = path.split('/').slice(0, -1).join('/');
      const parent = above === '' ? space.root : (await at(above)).id;
      return commit(put({ space: space.id, parent, name }, await fill(text)));
    },
    async mkdir(name: string) {
      return commit(mkdir({ space: space.id, parent: space.root, name }));
    },
    async move(path: string, to: string) {
      const { id: node, parent, name } = await at(path);
      const above = to.split('/').slice(0, -1).join('/');
      const target = above === '' ? space.root : (await at(above)).id;
      const place = { parent: target, name: to.split('/').at(-1) ?? '' };
      await commit({ op: 'move', id: newId(), space: space.id, node, ...place, from: { parent, name } });
    },
    async remove(path: string) {
      const { id, version, rev } = await at(path);
      await commit(remove(space.id, id, version, rev + 1000));
      return id;
    },
    async chmod(path: string, mode: number) {
      await commit({ op: 'attr', id: newId(), space: space.id, node: (await at(path)).id, mode });
    },
    async restore(id: string) {
      await remote.restoreTrash(id, background);
    },
  };
  /** The mirror's files and what is in them; folders have none. */
  const contents = async (): Promise<Record<string, string>> => {
    const found: Record<string, string> = {};
    for (const [path, node] of await tree(remote)) {
      if (node.kind === 'file') found[path] = (await bytesOf(remote, node)).toString();
    }
    return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
  };
  /** Two runs leave the mirror as it is. */
  const leavesAlone = async (what: string) => {
    const before = await tree(remote);
    for (let i = 0; i < 2; i++) t.match(await run(), NOTHING, what);
    t.same(await tree(remote), before, what);
  };
  const all = {
    a: 'this is a',
    b: 'this is b',
    'other/f': 'this is other/f',
    'sub/c': 'this is sub/c',
    'sub/d': 'this is sub/d',
    'sub/deep/e': 'this is sub/deep/e',
  };
  return { ...set, write, cloud, contents, leavesAlone, all };
}

function without<T>(record: Record<string, T>, ...names: string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));
}

t.test('content: left alone, until the file changes here', async (t) => {
  const { cloud, contents, leavesAlone, run, write, all } = await mirrored(t);
  await cloud.change('sub/c', 'by another');
  await cloud.change('a', 'by another');
  await leavesAlone('content');
  write('b', 'new here');
  t.match(await run(), { changed: 1, added: 0, moved: 0, removed: 0 });
  t.same(await contents(), { ...all, 'sub/c': 'by another', a: 'by another', b: 'new here' });
  write('a', 'new here, too');
  t.match(await run(), { changed: 1, added: 0, moved: 0, removed: 0 });
  t.same(await contents(), { ...all, 'sub/c': 'by another', a: 'new here, too', b: 'new here' });
  await leavesAlone('the rest');
});

t.test('content: attributes that change here put it right, too', async (t) => {
  const { cloud, contents, folder, run, all } = await mirrored(t);
  await cloud.change('a', 'by another');
  chmodSync(join(folder, 'a'), 0o600);
  await run();
  t.same(await contents(), all);
});

t.test('attributes: left alone, until the file changes here', async (t) => {
  const { cloud, leavesAlone, folder, mirror, run } = await mirrored(t);
  await cloud.chmod('a', 0o777);
  await leavesAlone('mode');
  appendFileSync(join(folder, 'a'), '.');
  await run();
  t.equal((await mirror()).get('a')?.mode, 0o644);
});

t.test('a file is moved, or renamed: left alone, until it changes here', async (t) => {
  const { cloud, contents, leavesAlone, run, write, all } = await mirrored(t);
  await cloud.move('sub/c', 'other/moved');
  await cloud.move('a', 'renamed');
  await leavesAlone('places');
  write('sub/c', 'new');
  await run();
  t.same(await contents(), { ...without(all, 'a'), 'sub/c': 'new', renamed: 'this is a' });
  await leavesAlone('the rest');
});

t.test('files that have exchanged their names are put right together', async (t) => {
  const { cloud, contents, leavesAlone, run, write, all } = await mirrored(t);
  await cloud.move('a', 'x');
  await cloud.move('b', 'a');
  await cloud.move('x', 'b');
  await leavesAlone('names');
  write('a', 'new');
  t.match(await run(), { problems: { length: 0 }, removed: 0 });
  t.same(await contents(), { ...all, a: 'new' });
  await leavesAlone('the rest');
});

t.test('a file is removed: left alone, until it changes here', async (t) => {
  const { cloud, contents, leavesAlone, run, write, all } = await mirrored(t);
  await cloud.remove('a');
  await cloud.remove('sub/c');
  await leavesAlone('removal');
  write('a', 'new');
  t.match(await run(), { added: 1, changed: 0, removed: 0 });
  t.same(await contents(), { ...without(all, 'sub/c'), a: 'new' });
  await leavesAlone('the rest');
});

t.test('a file that was changed or moved in the cloud is removed here: it is removed there', async (t) => {
  const { cloud, contents, folder, leavesAlone, run, all } = await mirrored(t);
  await cloud.change('a', 'by another');
  await cloud.move('b', 'other/moved');
  await cloud.remove('sub/c');
  for (const name of ['a', 'b', 'sub/c']) rmSync(join(folder, name));
  t.match(await run(), { problems: { length: 0 }, removed: 2 });
  t.same(await contents(), without(all, 'a', 'b', 'sub/c'));
  await leavesAlone('the rest');
});

t.test('a file that was changed or moved in the cloud is moved here: it follows', async (t) => {
  const { cloud, contents, folder, leavesAlone, run, all } = await mirrored(t);
  await cloud.change('a', 'by another');
  await cloud.move('b', 'other/moved');
  await cloud.remove('sub/c');
  for (const name of ['a', 'b', 'sub/c']) renameSync(join(folder, name), join(folder, 'sub/deep', name.slice(-1)));
  t.match(await run(), { problems: { length: 0 } });
  const moved = { 'sub/deep/a': all.a, 'sub/deep/b': all.b, 'sub/deep/c': all['sub/c'] };
  t.same(await contents(), { ...without(all, 'a', 'b', 'sub/c'), ...moved });
  await leavesAlone('the rest');
});

t.test('a folder is removed: it is recreated for what changes in it', async (t) => {
  const { cloud, contents, folder, leavesAlone, run, write, all } = await mirrored(t);
  await cloud.remove('sub');
  const left = { a: all.a, b: all.b, 'other/f': all['other/f'] };
  await leavesAlone('removal of a folder');
  write('sub/deep/new', 'new');
  t.match(await run(), { problems: { length: 0 }, added: 3, removed: 0 });
  t.same(await contents(), { ...left, 'sub/deep/new': 'new' });
  await leavesAlone('what was in it');
  write('sub/c', 'changed');
  t.match(await run(), { problems: { length: 0 }, added: 1, changed: 0, removed: 0 });
  t.same(await contents(), { ...left, 'sub/deep/new': 'new', 'sub/c': 'changed' });
  rmSync(join(folder, 'sub/d'));
  t.match(await run(), { problems: { length: 0 }, added: 0, removed: 0 });
  rmSync(join(folder, 'sub/deep/e'));
  renameSync(join(folder, 'sub/deep'), join(folder, 'deeper'));
  t.match(await run(), { problems: { length: 0 } });
  t.same(await contents(), { ...left, 'deeper/new': 'new', 'sub/c': 'changed' });
  await leavesAlone('the rest');
});

t.test('a folder is removed, and a file in it written without a change of the folder', async (t) => {
  const { cloud, contents, leavesAlone, run, write, all } = await mirrored(t);
  await cloud.remove('sub');
  write('sub/deep/e', 'changed');
  t.match(await run(), { problems: { length: 0 }, added: 3, removed: 0 });
  t.same(await contents(), { ...without(all, 'sub/c', 'sub/d'), 'sub/deep/e': 'changed' });
  await leavesAlone('the rest');
});

t.test('a folder is moved: it is back once something changes in it', async (t) => {
  const { cloud, contents, leavesAlone, run, write, all } = await mirrored(t);
  await cloud.move('sub', 'other/sub');
  await leavesAlone('a folder');
  write('sub/deep/e', 'changed');
  t.match(await run(), { problems: { length: 0 }, added: 0, changed: 1, removed: 0 });
  t.same(await contents(), { ...all, 'sub/deep/e': 'changed' });
  await leavesAlone('the rest');
});

t.test('what comes back from the Trash, or was created in the cloud, is left alone', async (t) => {
  const { cloud, contents, folder, leavesAlone, run, write, mirror, all } = await mirrored(t);
  const gone = (await mirror()).get('a')?.id ?? '';
  rmSync(join(folder, 'a'));
  await run();
  await cloud.restore(gone);
  await leavesAlone('restored');
  t.same(await contents(), all);
  const sub = await cloud.remove('sub');
  await run();
  await cloud.restore(sub);
  await leavesAlone('a folder restored');
  write('sub/c', 'changed');
  t.match(await run(), { problems: { length: 0 }, changed: 1, added: 0 });
  await cloud.create('sub/strange', 'by another');
  await cloud.mkdir('folder');
  await cloud.create('folder/inner', 'by another');
  await leavesAlone('created');
  write('a', 'here again');
  write('sub/strange', 'here, too');
  t.match(await run(), { problems: { length: 0 }, changed: 2, added: 0 });
  const now = { ...all, a: 'here again', 'sub/c': 'changed', 'sub/strange': 'here, too' };
  t.same(await contents(), { ...now, 'folder/inner': 'by another' });
  mkdirSync(join(folder, 'folder'));
  write('folder/own', 'own');
  t.match(await run(), { problems: { length: 0 } });
  t.same(await contents(), { ...now, 'folder/inner': 'by another', 'folder/own': 'own' });
  await leavesAlone('the rest');
});

t.test('what is in the way in the cloud goes to the Trash, and what is ours in it comes back', async (t) => {
  const { cloud, contents, folder, leavesAlone, run, write, all } = await mirrored(t);
  await cloud.create('taken', 'by another');
  await cloud.mkdir('x');
  await cloud.move('a', 'x/a');
  await cloud.move('x', 'a');
  await leavesAlone('in the way');
  mkdirSync(join(folder, 'taken'));
  write('taken/inside', 'here');
  write('a', 'changed');
  t.match(await run(), { problems: { length: 0 } });
  t.same(await contents(), { ...all, a: 'changed', 'taken/inside': 'here' });
  await leavesAlone('the rest');
});

t.test(
  'a folder is removed here: what was moved into it in the cloud stays, what was moved out of it goes',
  async (t) => {
    const { cloud, contents, folder, leavesAlone, run, all } = await mirrored(t);
    await cloud.move('a', 'other/a');
    await cloud.move('sub/c', 'c');
    rmSync(join(folder, 'other'), { recursive: true });
    rmSync(join(folder, 'sub'), { recursive: true });
    t.match(await run(), { problems: { length: 0 } });
    t.same(await contents(), { a: all.a, b: all.b });
    await leavesAlone('the rest');
  },
);

t.test('a run that is asked to repair puts everything right', async (t) => {
  const { cloud, contents, leavesAlone, run, mirror, all } = await mirrored(t);
  const before = await mirror();
  await cloud.change('a', 'by another');
  await cloud.chmod('b', 0o777);
  await cloud.move('sub/c', 'other/c');
  await cloud.remove('other/f');
  await cloud.remove('sub/deep');
  await cloud.create('strange', 'by another');
  await leavesAlone('everything');
  t.match(await run({ repair: true }), { problems: { length: 0 }, paused: undefined });
  t.same(await contents(), all);
  t.equal((await mirror()).get('b')?.mode, before.get('b')?.mode);
  await leavesAlone('nothing');
});

t.test('verified: what was changed in the cloud is said to be that, before a run has seen it and after', async (t) => {
  const { cloud, run, verify, write, remote } = await mirrored(t);
  t.same(await verify(1), []);
  await cloud.remove('a');
  await cloud.remove('sub/deep');
  await cloud.move('sub/c', 'moved');
  await cloud.move('other', 'sub/other');
  await cloud.change('b', 'by another');
  await cloud.remove('sub/d');
  await cloud.create('sub/d', 'by another');
  await cloud.create('strange', 'by another');
  const back = '`fjord backup run --repair` puts it back';
  const found = [
    'changed a only in the folder: it was removed in the cloud; ' + back,
    'changed b different: the cloud has another version of it since; ' + back,
    'changed moved only in the cloud: it was moved there in the cloud, from sub/c; ' + back,
    'changed other only in the folder: it was moved in the cloud, to sub/other; ' + back,
    'changed strange only in the cloud: this computer has not put it there',
    'changed sub/c only in the folder: it was moved in the cloud, to moved; ' + back,
    'changed sub/d different: the cloud has another file in its place; ' + back,
    'changed sub/deep only in the folder: it was removed in the cloud; ' + back,
    'changed sub/other only in the cloud: it was moved there in the cloud, from other; ' + back,
  ];
  t.same(await verify(1), found);
  await run();
  t.same(await verify(1), found, 'a run leaves it as it is');
  await run({ repair: true });
  t.same(await verify(1), []);

  write('a', 'written here');
  await cloud.remove('a');
  t.same(await verify(), [
    'changed a only in the folder: it was written here since the last run, and is not in the cloud',
  ]);
  await run();
  const { id: lost } = [...(await tree(remote)).values()].find(({ name }) => name === 'b') ?? { id: '' };
  const snapshot = remote.snapshot.bind(remote);
  remote.snapshot = async function* (...args) {
    for await (const item of snapshot(...args)) if (!('id' in item) || item.id !== lost) yield item;
  };
  t.same(
    (await verify()).filter((line) => line.startsWith('damage')),
    ['damage b only in the folder: a run has put it into the cloud, which does not have it any more'],
    'what the cloud has lost without having removed it',
  );
});
