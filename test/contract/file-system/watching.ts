import { background } from '../../../src/vfs/context.ts';
import type { Change } from '../../../src/vfs/file-system.ts';
import type { NodeId } from '../../../src/vfs/node.ts';
import { put, readWrite, until, type Add, type Case } from './rig.ts';

/** The notifications of `watch`. */
export function watchingContract(outer: Add): void {
  const add = (name: string, body: Parameters<Add>[1]): void => outer(name, body, 'watch');

  add('added, removed and renamed names are reported', async (c) => {
    const { fs, folder } = c;
    await seen(c, () => fs.mkdir(folder, 'd', {}, background), [entry(folder, 'd')]);
    await seen(c, () => put(c, folder, 'f', 'x'), [entry(folder, 'f')]);
    const { id } = await fs.lookup(folder, 'd', background);
    const move = (): unknown => fs.rename({ parent: folder, name: 'f' }, { parent: id, name: 'g' }, {}, background);
    await seen(c, move, [entry(folder, 'f'), entry(id, 'g')]);
    await seen(c, () => fs.unlink(id, 'g', background), [entry(id, 'g')]);
    await seen(c, () => fs.rmdir(folder, 'd', background), [entry(folder, 'd')]);
    if (c.traits.symlinks) await seen(c, () => fs.symlink(folder, 'l', 't', background), [entry(folder, 'l')]);
    await put(c, (await fs.mkdir(folder, 'e', {}, background)).id, 'f');
    await seen(c, () => fs.removeTree(folder, 'e', background), [entry(folder, 'e')]);
  });

  add('changes of a node are reported, those of its content as such', async (c) => {
    const { fs, folder } = c;
    const { id } = await put(c, folder, 'f', 'x');
    await seen(c, () => fs.setattr(id, { mtime: 0 }, background), [node(id, false)]);
    if (c.traits.randomWrites) await seen(c, () => fs.setattr(id, { size: 9 }, background), [node(id, true)]);
    const write = async (): Promise<void> => {
      const handle = await fs.open(id, readWrite, background);
      await handle.write(Buffer.from('y'), 0, background);
      await handle.close();
    };
    await seen(c, write, [node(id, true)]);
  });

  add('a committed draft is reported', async (c) => {
    if (!c.traits.drafts) return;
    const commit = async (): Promise<unknown> => {
      return (await c.fs.draft(c.folder, 'f', {}, background)).commit({}, background);
    };
    await seen(c, commit, [entry(c.folder, 'f')]);
    const { id } = await c.fs.lookup(c.folder, 'f', background);
    await seen(c, commit, [node(id, true)]);
  });

  add('a change is visible when it is reported', async (c) => {
    const { fs, folder } = c;
    const looks: unknown[] = [];
    const stop = fs.watch((change) => {
      if (change.what !== 'entry' || change.name !== 'f') return;
      looks.push(Promise.resolve(fs.lookup(folder, 'f', background)).then(() => true));
    });
    await put(c, folder, 'f', 'x');
    await until(() => looks.length > 0, 'told');
    stop();
    c.t.ok((await Promise.all(looks)).every(Boolean));
  });

  add('a stopped listener is not called', async (c) => {
    const told: Change[] = [];
    const stop = c.fs.watch((change) => told.push(change));
    stop();
    stop();
    await seen(c, () => put(c, c.folder, 'f', 'x'), [entry(c.folder, 'f')]);
    c.t.strictSame(told, []);
  });
}

function entry(folder: NodeId, name: string): Change {
  return { what: 'entry', folder, name };
}

function node(node: NodeId, content: boolean): Change {
  return { what: 'node', node, content };
}

async function seen({ t, fs }: Case, act: () => unknown, wanted: readonly Change[]): Promise<void> {
  const told: string[] = [];
  const stop = fs.watch((change) => told.push(show(change)));
  try {
    await act();
    const missing = wanted.map(show);
    await until(() => missing.every((text) => told.includes(text)), `told ${missing.join(' and ')}`);
    t.pass(missing.join(' and '));
  } finally {
    stop();
  }
}

/** The notifications that every implementation must send; some send others as well. */
function show(change: Change): string {
  return JSON.stringify(change, ['content', 'folder', 'name', 'node', 'what']);
}
