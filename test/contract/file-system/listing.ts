import { background } from '../../../src/vfs/context.ts';
import { compareUtf8 } from '../../helpers/memory-node.ts';
import { names, put, refused, type Add, type Case } from './rig.ts';

const many = 2000;

/** `readdir` and its pages. */
export function listingContract(add: Add): void {
  add('with every page size every name is listed once, in order', async (c) => {
    const wanted = ['b', 'a', 'c', 'aa', 'B', '\u{1f600}', '\uff21', 'é', '~', '0'];
    for (const name of wanted) await put(c, c.folder, name);
    wanted.sort(compareUtf8);
    for (const limit of [1, 2, 3, 9, 10, 11, 1000]) c.t.strictSame(await names(c, c.folder, limit), wanted);
  });

  add('entries are the same as those of lookup', async (c) => {
    const { t, fs, folder } = c;
    await put(c, folder, 'file', 'twelve bytes');
    await fs.mkdir(folder, 'folder', {}, background);
    if (c.traits.symlinks) await fs.symlink(folder, 'link', 'file', background);
    const { entries, more } = await fs.readdir(folder, { limit: 10 }, background);
    t.notOk(more);
    for (const entry of entries) {
      const { id, parent, name, kind, size, mode, mtime } = await fs.lookup(folder, entry.name, background);
      t.match(entry, { id, parent, name, kind, size, mode, mtime });
    }
    t.strictSame(
      entries.map(({ kind }) => kind),
      c.traits.symlinks ? ['file', 'folder', 'symlink'] : ['file', 'folder'],
    );
  });

  add('a page starts after a name that need not exist', async ({ t, fs, folder }) => {
    for (const name of ['b', 'd', 'f']) await fs.mkdir(folder, name, {}, background);
    const page = async (after: string, limit: number): Promise<[string[], boolean]> => {
      const { entries, more } = await fs.readdir(folder, { after, limit }, background);
      return [entries.map(({ name }) => name), more];
    };
    t.strictSame(await page('a', 2), [['b', 'd'], true]);
    t.strictSame(await page('b', 2), [['d', 'f'], false]);
    t.strictSame(await page('c', 1), [['d'], true]);
    t.strictSame(await page('f', 1), [[], false]);
    t.strictSame(await page('z', 1), [[], false]);
  });

  add('a full last page says that nothing follows', async (c) => {
    for (const name of ['a', 'b']) await put(c, c.folder, name);
    const { entries, more } = await c.fs.readdir(c.folder, { limit: 2 }, background);
    c.t.equal(entries.length, 2);
    c.t.equal(more, false);
  });

  add('changes between pages do not omit or repeat other names', async (c) => {
    const { t, fs, folder } = c;
    const wanted = Array.from({ length: 20 }, (_, i) => `n${String(i).padStart(2, '0')}`);
    for (const name of wanted) await put(c, folder, name);
    const first = await fs.readdir(folder, { limit: 10 }, background);
    await fs.unlink(folder, 'n09', background);
    await fs.unlink(folder, 'n03', background);
    await fs.unlink(folder, 'n15', background);
    await put(c, folder, 'n000');
    const rest = await fs.readdir(folder, { after: 'n09', limit: 100 }, background);
    const seen = [...first.entries, ...rest.entries].map(({ name }) => name);
    t.strictSame(
      seen,
      wanted.filter((name) => name !== 'n15'),
    );
  });

  add('a page must have at least one entry', async (c) => {
    await refused(c, 'EINVAL', () => c.fs.readdir(c.folder, { limit: 0 }, background));
  });

  add(`a folder of ${many} files`, async (c) => {
    const wanted = Array.from({ length: many }, (_, i) => `file-${i}`);
    await inParallel(wanted, 16, (name) => put(c, c.folder, name, name));
    wanted.sort(compareUtf8);
    c.t.strictSame(await names(c, c.folder, 333), wanted);
    await inParallel(wanted, 16, (name) => c.fs.unlink(c.folder, name, background));
    c.t.strictSame(await names(c, c.folder), []);
  });

  add('names are added and removed concurrently', async (c) => {
    const wanted = Array.from({ length: 64 }, (_, i) => `p${String(i).padStart(2, '0')}`);
    await Promise.all(wanted.map((name) => put(c, c.folder, name, name)));
    c.t.strictSame(await names(c, c.folder), wanted);
    const outcomes = await Promise.all(wanted.map(() => tryMkdir(c, 'one')));
    c.t.equal(outcomes.filter(Boolean).length, 1, 'of concurrent creations of one name, one succeeds');
  });
}

async function tryMkdir({ fs, folder }: Case, name: string): Promise<boolean> {
  try {
    await fs.mkdir(folder, name, {}, background);
    return true;
  } catch {
    return false;
  }
}

async function inParallel<T>(items: readonly T[], width: number, run: (item: T) => unknown): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await run(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
