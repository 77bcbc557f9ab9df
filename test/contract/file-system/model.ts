import fc from 'fast-check';
import { background } from '../../../src/vfs/context.ts';
import type { FileSystem, Place } from '../../../src/vfs/file-system.ts';
import { isFsError, FsError, type Code } from '../../../src/vfs/fs-error.ts';
import type { Attr, NodeId } from '../../../src/vfs/node.ts';
import { ModelTree } from './model-tree.ts';
import { names, put, text, type Add, type Case } from './rig.ts';

/** A step of a random program: its effect on the model, and on the real file system in a folder. */
interface Step {
  readonly show: string;
  model(tree: ModelTree): Code | undefined;
  real(fs: FileSystem, root: NodeId): Promise<unknown>;
}

/** Random programs, compared with a minimal model. */
export function modelContract(add: Add): void {
  add('random programs have the same results as on a minimal model', async (c) => {
    const program = fc.array(step(c.traits.randomWrites), { minLength: 1, maxLength: 40, size: 'max' });
    let run = 0;
    const property = fc.asyncProperty(program, async (steps) => {
      const { id } = await c.fs.mkdir(c.folder, `run${++run}`, {}, background);
      await follow(c, id, steps);
    });
    await fc.assert(property, { numRuns: c.traits.runs, endOnFailure: c.traits.runs < 30 });
    c.t.ok(run >= c.traits.runs);
  });
}

async function follow(c: Case, root: NodeId, steps: readonly Step[]): Promise<void> {
  const tree = new ModelTree();
  for (const each of steps) {
    const wanted = each.model(tree);
    const found = await outcome(() => each.real(c.fs, root));
    const same = c.traits.errors === 'exact' ? found === wanted : (found === undefined) === (wanted === undefined);
    if (!same) throw new Error(`${each.show}: ${found ?? 'done'} instead of ${wanted ?? 'done'}`);
  }
  const found = JSON.stringify(await dump(c, root));
  const wanted = JSON.stringify(tree.dump());
  if (found !== wanted) throw new Error(`the tree is ${found} instead of ${wanted}`);
}

async function outcome(run: () => Promise<unknown>): Promise<Code | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    if (!isFsError(error)) throw error;
    return error.code;
  }
}

async function dump(c: Case, root: NodeId): Promise<Record<string, string | null>> {
  const found: [string, string | null][] = [];
  const visit = async (folder: NodeId, path: string): Promise<void> => {
    for (const name of await names(c, folder, 3)) {
      const attr = await c.fs.lookup(folder, name, background);
      found.push([path + name, attr.kind === 'file' ? await text(c, attr.id) : null]);
      if (attr.kind === 'folder') await visit(attr.id, `${path}${name}/`);
    }
  };
  await visit(root, '');
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function place(fs: FileSystem, root: NodeId, path: string): Promise<Place> {
  const parts = path.split('/');
  let attr: Attr = await fs.getattr(root, background);
  for (const name of parts.slice(0, -1)) attr = await fs.lookup(attr.id, name, background);
  if (attr.kind !== 'folder') throw new FsError('ENOTDIR', 'walk', { subject: path });
  return { parent: attr.id, name: parts.at(-1) ?? '' };
}

async function find(fs: FileSystem, root: NodeId, path: string): Promise<Attr> {
  const { parent: folder, name } = await place(fs, root, path);
  return await fs.lookup(folder, name, background);
}

const path = fc.array(fc.constantFrom('a', 'b', 'å'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const data = fc.string({ unit: fc.constantFrom('x', 'y', 'z'), maxLength: 20 });

function step(randomWrites: boolean): fc.Arbitrary<Step> {
  const whole = [
    fc.tuple(path, data).map(([path, data]) => write(path, data)),
    path.map((path) =>
      inFolder('mkdir', path, ({ fs, parent: folder, name }) => fs.mkdir(folder, name, {}, background)),
    ),
    path.map((path) => inFolder('unlink', path, ({ fs, parent: folder, name }) => fs.unlink(folder, name, background))),
    path.map((path) => inFolder('rmdir', path, ({ fs, parent: folder, name }) => fs.rmdir(folder, name, background))),
    path.map((path) =>
      inFolder('removeTree', path, ({ fs, parent: folder, name }) => fs.removeTree(folder, name, background)),
    ),
    fc.tuple(path, path).map(([from, to]) => rename(from, to)),
    fc.tuple(path, path, fc.boolean()).map(([from, to, replace]) => copy(from, to, replace)),
  ];
  const partial = [
    fc.tuple(path, fc.nat(30)).map(([path, size]) => resize(path, size)),
    fc.tuple(path, data).map(([path, data]) => append(path, data)),
  ];
  return fc.oneof(...whole, ...(randomWrites ? partial : []));
}

type FolderOp = 'mkdir' | 'unlink' | 'rmdir' | 'removeTree';

function inFolder(op: FolderOp, path: string, real: (at: { fs: FileSystem } & Place) => unknown): Step {
  return {
    show: `${op} ${path}`,
    model: (tree) => tree[op](path),
    real: async (fs, root) => real({ fs, ...(await place(fs, root, path)) }),
  };
}

function write(path: string, data: string): Step {
  const real = async (fs: FileSystem, root: NodeId): Promise<void> => {
    const { parent: folder, name } = await place(fs, root, path);
    if ((await outcome(() => put({ fs }, folder, name, data))) === undefined) return;
    const { id } = await fs.lookup(folder, name, background);
    const handle = await fs.open(id, { read: false, write: true, truncate: true }, background);
    await handle.write(Buffer.from(data), 0, background);
    await handle.close();
  };
  return { show: `write ${path}`, model: (tree) => tree.write(path, data), real };
}

function resize(path: string, size: number): Step {
  const real = async (fs: FileSystem, root: NodeId): Promise<void> => {
    await fs.setattr((await find(fs, root, path)).id, { size }, background);
  };
  return { show: `resize ${path} ${size}`, model: (tree) => tree.resize(path, size), real };
}

function append(path: string, data: string): Step {
  const real = async (fs: FileSystem, root: NodeId): Promise<void> => {
    const mode = { read: false, write: true, append: true };
    const handle = await fs.open((await find(fs, root, path)).id, mode, background);
    await handle.write(Buffer.from(data), 0, background);
    await handle.close();
  };
  return { show: `append ${path}`, model: (tree) => tree.append(path, data), real };
}

function rename(from: string, to: string): Step {
  const real = async (fs: FileSystem, root: NodeId): Promise<void> => {
    const source = await place(fs, root, from);
    const target = await place(fs, root, to);
    await fs.rename(source, target, {}, background);
  };
  return { show: `rename ${from} ${to}`, model: (tree) => tree.rename(from, to), real };
}

function copy(from: string, to: string, replace: boolean): Step {
  const real = async (fs: FileSystem, root: NodeId): Promise<void> => {
    const { id, kind } = await find(fs, root, from);
    const target = await place(fs, root, to);
    if (kind !== 'file') throw new FsError('EISDIR', 'copy', { subject: from });
    await fs.copy(id, target, { replace }, background);
  };
  return { show: `copy ${from} ${to}`, model: (tree) => tree.copy(from, to, replace), real };
}
