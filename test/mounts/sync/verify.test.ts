import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Database } from '../../../src/cache/db/database.ts';
import type { Op } from '../../../src/cache/db/group-writer.ts';
import type { Entry } from '../../../src/cache/tree/entry.ts';
import { entryKey } from '../../../src/cache/tree/entry.ts';
import { background as context } from '../../../src/vfs/context.ts';
import { openPair, type Pair, type TestDevice } from '../../helpers/devices.ts';

t.setTimeout(120_000);

/** Never by itself, so that the tests decide when. */
const verifyEvery = 0;

/** The rows of a catalog on the disk, changed while its gateway does not run. */
class Rows {
  readonly #entries = new Map<string, Entry>();
  readonly #places = new Map<string, string>();
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  static async open(dir: string): Promise<Rows> {
    const rows = new Rows(await Database.open(join(dir, 'a/db')));
    const all = { gt: '', lt: '\u{10ffff}', limit: 1_000_000 };
    const [entries, places] = [await rows.#db.rows('entries'), await rows.#db.rows('places')];
    for (const [key, text] of await entries.range(all)) rows.#entries.set(key, JSON.parse(text) as Entry);
    for (const [key, text] of await places.range(all)) rows.#places.set(key, JSON.parse(text) as string);
    return rows;
  }

  named(name: string): Entry {
    const found = [...this.#entries.values()].find((entry) => entry.name === name);
    if (found === undefined) throw new Error(`there is no ${name}`);
    return found;
  }

  async put(entry: Entry, key = entryKey(entry.parent, entry.name)): Promise<void> {
    await this.#write(
      { type: 'put', table: 'entries', key, value: entry },
      { type: 'put', table: 'places', key: entry.id, value: key },
    );
  }

  async remove(entry: Entry): Promise<void> {
    await this.#write(
      { type: 'del', table: 'entries', key: entryKey(entry.parent, entry.name) },
      { type: 'del', table: 'places', key: entry.id },
    );
  }

  async forgetPlace({ id }: Entry): Promise<void> {
    await this.#write({ type: 'del', table: 'places', key: id });
  }

  async putRow(key: string, entry: Entry): Promise<void> {
    await this.#write({ type: 'put', table: 'entries', key, value: entry });
  }

  async #write(...ops: Op[]): Promise<void> {
    await this.#db.write(ops, true);
  }

  async close(): Promise<void> {
    await this.#db.close();
  }
}

const PATHS = ['/Sync/one', '/Sync/two', '/Sync/folder/three', '/Sync/folder/deep/four', '/Sync/unsent', '/Sync/five'];

async function begin(t: Test): Promise<Pair> {
  const pair = await openPair(t, { verifyEvery });
  await pair.a.mkdir('/Sync/folder');
  await pair.a.mkdir('/Sync/folder/deep');
  await pair.a.symlink('/Sync/link', 'one');
  for (const path of PATHS) await pair.a.write(path, `content of ${path}`);
  await pair.converge();
  t.match(await pair.a.gateway.verify(), { repaired: 0, problem: undefined });
  t.match(await pair.b.gateway.verify(), { repaired: 0, problem: undefined });
  return pair;
}

async function damage({ a, dir }: Pair, work: (rows: Rows) => Promise<void>): Promise<void> {
  await a.gateway.close();
  const rows = await Rows.open(dir);
  await work(rows);
  await rows.close();
  await a.restart();
}

/** Everything that programs and the follower see of nodes, by path. */
async function shown(device: TestDevice): Promise<Record<string, unknown>> {
  const { catalog } = device.gateway.stack;
  const found: Record<string, unknown> = {};
  for await (const entry of catalog.everything()) {
    if (entry.rev === 0) continue;
    const { ctime: _ctime, version: _version, mtime, xattrs = {}, ...rest } = entry;
    found[catalog.path(entry)] = { ...rest, xattrs, ...(entry.kind === 'folder' ? {} : { mtime }) };
  }
  return found;
}

const DAMAGES: Readonly<Record<string, { readonly count: number; readonly work: (rows: Rows) => Promise<void> }>> = {
  'a file is missing': { count: 1, work: async (rows) => rows.remove(rows.named('one')) },
  'a folder is missing': { count: 1, work: async (rows) => rows.remove(rows.named('folder')) },
  'a folder and what is in it are missing': {
    count: 3,
    work: async (rows) => {
      for (const name of ['four', 'deep', 'three']) await rows.remove(rows.named(name));
    },
  },
  'a name is another one': {
    count: 1,
    work: async (rows) => {
      const one = rows.named('one');
      await rows.remove(one);
      await rows.put({ ...one, name: 'other' });
    },
  },
  'a name in the record is another one than in its key': {
    count: 1,
    work: async (rows) =>
      rows.putRow(entryKey(rows.named('one').parent, 'one'), { ...rows.named('one'), name: 'other' }),
  },
  'names are exchanged': {
    count: 2,
    work: async (rows) => {
      const [one, two] = [rows.named('one'), rows.named('two')];
      await rows.put({ ...one, name: 'two' });
      await rows.put({ ...two, name: 'one' });
    },
  },
  'a node is in another folder': {
    count: 1,
    work: async (rows) => {
      const three = rows.named('three');
      await rows.remove(three);
      await rows.put({ ...three, parent: rows.named('deep').id });
    },
  },
  'there is a file that the cloud does not have': {
    count: 1,
    work: async (rows) => rows.put({ ...rows.named('one'), id: 'ghost', name: 'ghost' }),
  },
  'it has the name of one that is missing, and a later revision': {
    count: 2,
    work: async (rows) => {
      const one = rows.named('one');
      await rows.remove(one);
      await rows.put({ ...one, id: 'ghost', rev: one.rev + 5 });
    },
  },
  'it has two names, and others have that under which it is known': {
    count: 3,
    work: async (rows) => {
      const ghost = { ...rows.named('one'), id: 'ghost', name: 'two' };
      await rows.put(ghost);
      await rows.putRow(entryKey(ghost.parent, 'twin'), { ...ghost, name: 'twin' });
      await rows.put({ ...ghost, id: 'other' });
    },
  },
  'its revision is from the future': {
    count: 1,
    work: async (rows) => rows.put({ ...rows.named('one'), id: 'ghost', name: 'ghost', rev: 1_000_000 }),
  },
  'a folder that the cloud does not have': {
    count: 2,
    work: async (rows) => {
      await rows.put({ ...rows.named('folder'), id: 'ghost', name: 'ghost' });
      const three = rows.named('three');
      await rows.remove(three);
      await rows.put({ ...three, parent: 'ghost' });
    },
  },
  'the version of a content is wrong': {
    count: 1,
    work: async (rows) => rows.put({ ...rows.named('one'), remote: rows.named('two').remote ?? '' }),
  },
  'a content is that of another file': {
    count: 1,
    work: async (rows) => {
      const { remote = '', hash = '', version, size } = rows.named('two');
      await rows.put({ ...rows.named('one'), remote, hash, version, size });
    },
  },
  'a revision is too low': { count: 1, work: async (rows) => rows.put({ ...rows.named('one'), rev: 1 }) },
  'a revision is too high': { count: 1, work: async (rows) => rows.put({ ...rows.named('one'), rev: 1_000_000 }) },
  'mode, time and attributes are others': {
    count: 3,
    work: async (rows) => {
      await rows.put({ ...rows.named('one'), mode: 0o600 });
      await rows.put({ ...rows.named('two'), mtime: 5 });
      await rows.put({ ...rows.named('folder'), xattrs: { 'user.a': 'AA==' } });
    },
  },
  'a file is a symlink, and a symlink leads elsewhere': {
    count: 2,
    work: async (rows) => {
      await rows.put({ ...rows.named('one'), kind: 'symlink', target: 'x' });
      await rows.put({ ...rows.named('link'), target: 'y' });
    },
  },
  'a node cannot be found by its id': { count: 1, work: async (rows) => rows.forgetPlace(rows.named('one')) },
  'a node has two names': {
    count: 1,
    work: async (rows) => {
      const one = rows.named('one');
      await rows.putRow(entryKey(one.parent, 'twin'), { ...one, name: 'twin' });
    },
  },
};

t.test('whatever is wrong in the catalog is noticed, counted and put right', async (t) => {
  const pair = await begin(t);
  const right = await shown(pair.a);
  for (const [what, { count, work }] of Object.entries(DAMAGES)) {
    await damage(pair, work);
    const { verified } = pair.a.gateway.status();
    t.ok((verified.at ?? Infinity) <= Date.now(), 'the last proof is remembered');
    t.match(await pair.a.gateway.verify(), { nodes: 9, repaired: count, problem: undefined }, what);
    t.same(await shown(pair.a), right, `${what}: everything is right again`);
    t.match(pair.a.gateway.status().verified, { nodes: 9, repaired: { entries: count }, problem: undefined }, what);
    t.match(await pair.a.gateway.verify(), { repaired: 0, problem: undefined }, `${what}: nothing is left to repair`);
    t.match(await pair.a.gateway.issues(), { count: 0 }, what);
    t.equal(pair.a.gateway.status().queued, 0, `${what}: nothing is sent`);
  }
  for (const path of PATHS) t.equal(await pair.a.read(path), `content of ${path}`);
  t.same(await pair.b.tree(), await pair.a.tree());
});

t.test('changes that were not sent are no differences, and survive a repair', async (t) => {
  const pair = await begin(t);
  const { a, cloud } = pair;
  cloud.refuse = () => true;
  await a.write('/Sync/unsent', 'changed here');
  await a.write('/Sync/new', 'new here');
  await a.rename('/Sync/two', '/Sync/folder/moved here');
  await a.unlink('/Sync/five');
  await a.removeTree('/Sync/folder/deep');
  const { id } = await a.stat('/Sync/folder/three');
  await a.fs.setattr(id, { mode: 0o600 }, context);
  while (a.gateway.status().parked < a.gateway.status().queued) await sleep(10);
  t.match(await a.gateway.verify(), { repaired: 0, problem: undefined });
  const before = { tree: await a.tree(), queued: a.gateway.status().queued };
  await damage(pair, async (rows) => {
    await rows.remove(rows.named('one'));
    await rows.put({ ...rows.named('link'), mode: 0o1 });
    await rows.put({ ...rows.named('one'), id: 'ghost', name: 'ghost', parent: rows.named('folder').id });
    const unsent = rows.named('unsent');
    if (unsent.base === undefined || unsent.base === null) throw new Error('it has no base');
    await rows.put({ ...unsent, base: { ...unsent.base, name: 'base has another name' } });
  });
  t.match(await a.gateway.verify(), { repaired: 4, problem: undefined });
  t.same({ tree: await a.tree(), queued: a.gateway.status().queued }, before);
  cloud.refuse = () => false;
  a.gateway.retry();
  await pair.converge();
  t.match(await a.gateway.verify(), { repaired: 0, problem: undefined });
  t.same(await pair.b.tree(), await a.tree(), 'and they are sent as they were meant');
  t.same(await a.gateway.conflicts(), []);
});

t.test('what was repaired is shown before and after a restart', async (t) => {
  const pair = await begin(t);
  await damage(pair, async (rows) => rows.remove(rows.named('one')));
  t.notOk(await pair.a.exists('/Sync/one'));
  await pair.a.gateway.verify();
  const { verified } = pair.a.gateway.status();
  await pair.a.restart();
  t.same(pair.a.gateway.status().verified, verified);
});
