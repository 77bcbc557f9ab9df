import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import { children, find, splitPath, walk } from '../../src/vfs/walk.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

t.test('paths are split at slashes and every name is checked', async (t) => {
  t.same(splitPath('/a//b/', 'open'), ['a', 'b']);
  t.same(splitPath('/', 'open'), []);
  t.throws(() => splitPath('/a/../b', 'open'), { code: 'EINVAL' });
  t.throws(() => splitPath(`/${'a/'.repeat(2048)}`, 'open'), { code: 'ENAMETOOLONG' });
  t.equal(splitPath('/a'.repeat(2047), 'open').length, 2047);
});

t.test('a walk ends at the node, or names what is missing', async (t) => {
  const fs = new MemoryFs();
  const folder = await fs.mkdir(fs.root, 'a', {}, background);
  const below = await fs.mkdir(folder.id, 'b', {}, background);
  t.equal((await walk(fs, ['a', 'b'], background)).id, below.id);
  t.equal((await walk(fs, [], background)).id, fs.root);
  await t.rejects(walk(fs, ['a', 'c'], background), { code: 'ENOENT' });
  t.equal(await find(fs, folder.id, 'c', background), undefined);
  await t.rejects(find(fs, 'no such folder', 'c', background), { code: 'ESTALE' });
});

t.test('children are yielded page by page, each once', async (t) => {
  const fs = new MemoryFs();
  const names = Array.from({ length: 2345 }, (_, i) => `n${String(i).padStart(5, '0')}`);
  for (const name of names) await fs.mkdir(fs.root, name, {}, background);
  const seen: string[] = [];
  for await (const { name } of children(fs, fs.root, background)) seen.push(name);
  t.same(seen, names);
});
