import type { Test } from 'tap';
import { v7 as newId } from 'uuid';
import type { NodeRecord } from '../../src/cloud/records.ts';
import { Arrivals } from '../../src/cloud/server/blocks/arrivals.ts';
import { BlockReader } from '../../src/cloud/server/blocks/block-reader.ts';
import type { BlockStore } from '../../src/cloud/server/blocks/block-store.ts';
import { Uploads } from '../../src/cloud/server/blocks/uploads.ts';
import { Collector } from '../../src/cloud/server/collector.ts';
import { feed } from '../../src/cloud/server/feed.ts';
import { FileMaker } from '../../src/cloud/server/file-maker.ts';
import { executeIntents } from '../../src/cloud/server/intents/batch.ts';
import { abandonArrivals } from '../../src/cloud/server/meta/arrivals.ts';
import { issueToken } from '../../src/cloud/server/meta/devices.ts';
import type { MetaStore, MetaStoreOptions } from '../../src/cloud/server/meta/meta-store.ts';
import { asBytes } from '../../src/cloud/server/meta/versions.ts';
import { insertSpace } from '../../src/cloud/server/meta/spaces.ts';
import { contentOf, mkdir, noise, put, remove } from '../helpers/intents.ts';
import { newFiles } from '../helpers/new-files.ts';

type Make = (t: Test, options: Pick<MetaStoreOptions, 'moved' | 'now'>) => Promise<MetaStore>;

/** What holds for files that are made many at once, with every database. */
export function newFilesContract(t: Test, make: Make): void {
  t.test('they are what intents make of the same files', async (t) => {
    const { maker, home, other, records, upload, commit, meta } = await rig(t, make);
    const contents = [noise(100), noise(0), noise(70_000), noise(5)];
    const xattrs = { 2: { 'user.note': 'bm90ZQ==' } };
    const { body, files } = newFiles(home, contents, { xattrs });
    const made = await maker(body);
    const puts = contents.map((bytes, i) => {
      const place = { space: other.space, parent: other.folder, name: files.name[i] ?? '' };
      const { mode, mtime, birthtime, posix } = files;
      const look = { mode: mode[i] ?? 0, mtime: mtime[i] ?? 0, birthtime: birthtime[i] ?? 0 };
      const extra = i === 2 ? { xattrs: xattrs[2] } : {};
      return put(place, contentOf(bytes).wire, { ...look, posix: posix[i] ?? { v: 1 }, ...extra });
    });
    for (const bytes of contents) await upload(bytes);
    await commit(...puts);
    const plain = ({
      name,
      kind,
      mode,
      mtime,
      birthtime,
      device,
      removed,
      size,
      hash,
      target,
      ...more
    }: NodeRecord) => {
      return {
        name,
        kind,
        mode,
        mtime,
        birthtime,
        device,
        removed,
        size,
        hash,
        target,
        xattrs: more.xattrs,
        posix: more.posix,
      };
    };
    const [ours, theirs] = [await records(home.space), await records(other.space)];
    t.same(ours.map(plain), theirs.map(plain));
    t.same(
      ours.map(({ id, parent, version, rev }) => ({ id, parent, version, rev })),
      files.node.map((id, i) => ({ id, parent: home.folder, version: files.version[i], rev: made.rev + i })),
    );
    const stamps = meta.db.selectFrom('stamps').selectAll().where('space', '=', home.space).where('rev', '>', 1);
    t.match(await stamps.execute(), [{ rev: made.rev + 3, stamp: made.stamp }], 'one stamp for all of them');
    const rows = await meta.db.selectFrom('versions').selectAll().orderBy('size').orderBy('node').execute();
    const bare = rows.map(({ rank, size, hash, mtime, until, device, manifest }) => {
      return { rank, size, hash, mtime, until, device, manifest: Buffer.from(asBytes(manifest)).toString('hex') };
    });
    for (let i = 0; i < bare.length; i += 2) t.same(bare[i], bare[i + 1], 'versions are the same, too');
    t.same(
      bare
        .filter((_, i) => i % 2 === 0)
        .map(({ size }) => size)
        .sort((a, b) => a - b),
      [0, 5, 100, 70_000],
    );
    t.match(await spaceRow(meta, home.space), { bytes: 70_105, files: 4 });
    t.same(await spaceCounts(meta, home.space), await spaceCounts(meta, other.space));
  });

  t.test('they are made once, however often they are sent', async (t) => {
    const { maker, home, meta, records } = await rig(t, make);
    const { body, files } = newFiles(home, [noise(10), noise(20)]);
    const twice = await Promise.allSettled([maker(body), maker(body)]);
    const [first] = twice.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const one of twice) if (one.status === 'rejected') t.match(one.reason, { code: 'unavailable' });
    t.same(await maker(body), first);
    t.equal((await records(home.space)).length, 2);
    t.match(await spaceRow(meta, home.space), { bytes: 30, files: 2 });
    t.match(await usedOf(meta), { used: 30 });
    const others = newFiles(home, [noise(3)], { id: files.id });
    await t.rejects(maker(others.body), { code: 'bad_request' }, 'others are not taken for them');
    const intent = { ...mkdir({ space: home.space, parent: home.folder, name: 'new' }), id: files.id };
    t.match(await rigCommit(meta, home.caller, intent), [{ status: 'refused', code: 'bad_request' }]);
  });

  t.test('equal contents, and those that are stored, are counted as those of intents are', async (t) => {
    const { maker, home, meta, upload, commit, collect, remains } = await rig(t, make);
    const [fresh, uploaded, used] = [noise(100), noise(200), noise(300)];
    for (const bytes of [uploaded, used]) await upload(bytes);
    const place = { space: home.space, parent: home.folder };
    const [kept] = await commit(put({ ...place, name: 'kept' }, contentOf(used).wire));
    const { body, files } = newFiles(home, [fresh, uploaded, fresh, used, used]);
    await maker(body);
    t.match(await usedOf(meta), { used: 600 }, 'each block counts once');
    const refs = async (bytes: Uint8Array) => (await blockOf(meta, bytes))?.refs;
    t.same([await refs(fresh), await refs(uploaded), await refs(used)], [2, 1, 3]);
    t.match(await blockOf(meta, uploaded), { state: 'stored', awaited: null });
    await collect();
    t.same([fresh, uploaded, used].map(remains), [true, true, true]);
    const gone = [...files.node.map((id, i) => [id, files.version[i]]), nodeOf(kept)];
    for (const [id, version] of gone) await commit(remove(home.space, id ?? '', version ?? null, 1e6));
    await meta.db.deleteFrom('versions').execute();
    t.equal(await collect(), 0, 'nothing is removed while rows count on it');
  });

  t.test('a block whose removal has begun, and one that was found damaged, are stored again', async (t) => {
    const { maker, home, meta, upload, collect, remains } = await rig(t, make);
    const [condemned, damaged] = [noise(100), noise(200)];
    for (const bytes of [condemned, damaged]) await upload(bytes);
    const state = async (bytes: Uint8Array, to: 'condemned' | 'damaged') =>
      meta.db.updateTable('blocks').set({ state: to }).where('digest', '=', digestOf(bytes)).execute();
    await state(condemned, 'condemned');
    await state(damaged, 'damaged');
    const before = await blockOf(meta, condemned);
    await maker(newFiles(home, [condemned, damaged]).body);
    t.match(await blockOf(meta, condemned), { state: 'stored', refs: 1 });
    t.not((await blockOf(meta, condemned))?.generation, before?.generation, 'only a new generation revives a block');
    t.match(await blockOf(meta, damaged), { state: 'stored', refs: 1 });
    await collect();
    t.same([condemned, damaged].map(remains), [true, true]);
  });

  t.test('the collector leaves blocks alone while they arrive', async (t) => {
    const { maker, home, upload, collect, remains, meta, store } = await rig(t, make);
    const bytes = noise(100);
    await upload(bytes);
    await meta.db.updateTable('blocks').set({ state: 'condemned' }).execute();
    store.stored = async () => {
      t.equal(await collect(), 0);
    };
    await maker(newFiles(home, [bytes]).body);
    t.ok(remains(bytes));
    t.match(await blockOf(meta, bytes), { state: 'stored', refs: 1 });
  });

  t.test('what was stored for nothing is the collector’s, also after a crash', async (t) => {
    const { maker, home, meta, collect, remains, store } = await rig(t, make);
    const [lost, refused, both] = [noise(100), noise(200), noise(300)];
    await maker(newFiles(home, [both]).body);
    await t.rejects(maker(newFiles(home, [refused, both]).body), { code: 'exists' });
    t.match(await blockOf(meta, refused), { state: 'condemned', refs: 0, size: 200 });
    store.stored = () => Promise.reject(new Error('killed'));
    await t.rejects(maker(newFiles(home, [lost, both], { name: ['a', 'b'] }).body), { message: 'killed' });
    await abandonArrivals(meta.db, Date.now());
    t.same(await meta.db.selectFrom('arrivals').selectAll().execute(), []);
    t.equal(await collect(), 2);
    t.same([lost, refused, both].map(remains), [false, false, true]);
    t.match(await usedOf(meta), { used: 300 });
  });

  t.test('whatever is unusual is refused, and nothing is made', async (t) => {
    const { maker, home, other, meta, commit, records } = await rig(t, make);
    const contents = [noise(10), noise(20)];
    const place = { space: home.space, parent: home.folder };
    const [taken] = await commit(mkdir({ ...place, name: 'taken' }));
    const gone = mkdir({ ...place, name: 'gone' });
    await commit(gone, remove(home.space, gone.node, null, 1e6));
    const { version } = newFiles(home, contents).files;
    await maker(newFiles(home, contents, { name: ['x', 'y'], version }).body);
    const [before, rows, used] = [await records(home.space), await spaceRow(meta, home.space), await usedOf(meta)];
    const root = (await spaceRow(meta, other.space)).root;
    const full = await meta.db.selectFrom('accounts').select('quota').executeTakeFirstOrThrow();
    const cases: [string, Parameters<typeof newFiles>[2], string][] = [
      ['a name that is taken', { name: ['new', 'taken'] }, 'exists'],
      ['one name twice', { name: ['new', 'new'] }, 'exists'],
      ['an id that is taken', { node: [newId(), nodeOf(taken)[0]] }, 'exists'],
      ['the id of a root folder', { node: [newId(), root] }, 'bad_request'],
      ['a version that is taken', { version: [newId(), version[0] ?? ''] }, 'exists'],
      ['a folder that is not there', { folders: [newId()] }, 'not_found'],
      ['a folder that was removed', { folders: [gone.node] }, 'gone'],
      ['a folder of another space', { folders: [root] }, 'not_found'],
      ['a file as a folder', { folders: [before.find(({ kind }) => kind === 'file')?.id ?? ''] }, 'not_a_folder'],
      ['no such space', { space: newId() }, 'not_found'],
      ['a wrong digest', { digests: Buffer.alloc(64).toString('base64') }, 'digest_mismatch'],
      ['too few digests', { digests: Buffer.alloc(32).toString('base64') }, 'bad_request'],
      ['sizes that do not fit', { size: [10, 21] }, 'bad_request'],
      ['lists that differ in length', { name: ['new'] }, 'bad_request'],
      ['a name that is none', { name: ['new', 'a/b'] }, 'bad_request'],
      ['a folder that is not listed', { folder: [0, 1] }, 'bad_request'],
      ['attributes of no file', { xattrs: { 2: { 'user.a': '' } } }, 'bad_request'],
      ['too many attributes', { xattrs: { 0: { 'user.a': 'A'.repeat(100_000) } } }, 'too_large'],
    ];
    for (const [what, more, code] of cases) {
      const usual = { name: ['new', 'newer'] };
      await t.rejects(maker(newFiles(home, contents, { ...usual, ...more }).body), { code }, what);
    }
    await meta.db.updateTable('accounts').set({ quota: 50 }).execute();
    await t.rejects(maker(newFiles(home, [noise(30)], { name: ['big'] }).body), { code: 'quota_exceeded' });
    await meta.db.updateTable('accounts').set(full).execute();
    for (const body of [new Uint8Array(3), Buffer.from([0, 0, 0, 9, 1]), Buffer.from([0, 0, 0, 2, 123, 125])]) {
      await t.rejects(maker(body), { code: 'bad_request' });
    }
    t.same(await records(home.space), before);
    t.same(await spaceRow(meta, home.space), rows);
    t.same(await usedOf(meta), used);
    t.same(await meta.db.selectFrom('arrivals').selectAll().execute(), []);
  });

  t.test('another device cannot write into a backup', async (t) => {
    const { home, meta, store } = await rig(t, make);
    const { account, device: owner } = home.caller;
    const row = { account, kind: 'backup', name: 'set', device: owner } as const;
    await insertSpace(meta.db, row, 0);
    const { id, root } = await spaceOfKind(meta, 'backup');
    const { body } = newFiles({ space: id, folder: root }, [noise(10)]);
    const device = (await issueToken(meta.db, account, { name: 'b', platform: 'b' }, 0)).row.id;
    const made = new FileMaker({ meta, store, arrivals: new Arrivals() });
    await t.rejects(made.make({ ...home.caller, device }, body), { code: 'forbidden' });
    t.match(await made.make(home.caller, body), { rev: 1 });
  });
}

class Blocks implements BlockStore {
  readonly kept = new Map<string, Uint8Array>();
  /** Called when blocks have been stored. */
  stored: () => Promise<void> = () => Promise.resolve();

  async put(_account: string, blocks: Parameters<BlockStore['put']>[1]): Promise<void> {
    for (const { digest, data } of blocks) {
      if (digestOf(data) !== digest) throw Object.assign(new Error('another digest'), { code: 'digest_mismatch' });
      this.kept.set(digest, Buffer.from(data));
    }
    await this.stored();
  }

  async get(_account: string, digest: string): Promise<Uint8Array | undefined> {
    return this.kept.get(digest);
  }

  async remove(_account: string, digest: string): Promise<void> {
    this.kept.delete(digest);
  }

  async *list(): AsyncGenerator<string> {
    yield* this.kept.keys();
  }
}

async function rig(t: Test, make: Make) {
  const meta = await make(t, { now: Date.now, moved: () => undefined });
  t.teardown(async () => meta.close());
  const account = newId();
  const row = { id: account, email: 'ada@example.org', password: '', quota: 1e9, used: 0, created: 0 };
  await meta.db.insertInto('accounts').values(row).execute();
  const device = (await issueToken(meta.db, account, { name: 'a', platform: 'b' }, 0)).row.id;
  const caller = { account, device };
  const folderOf = async (kind: 'sync' | 'archive') => {
    await insertSpace(meta.db, { account, kind, name: kind, device: '' }, 0);
    const { id, root } = await spaceOfKind(meta, kind);
    const top = mkdir({ space: id, parent: root, name: 'folder' });
    await rigCommit(meta, caller, top);
    return { space: id, folder: top.node, caller };
  };
  const store = new Blocks();
  const arrivals = new Arrivals();
  const maker = new FileMaker({ meta, store, arrivals });
  const reader = new BlockReader({ db: meta.db, store, log: { error: () => undefined } });
  const uploads = new Uploads({ db: meta.db, store, reader, now: Date.now });
  const later = () => Date.now() + 1e12;
  const collector = new Collector({ db: meta.db, store, now: later, spare: Infinity, grace: 0, arrivals });
  return {
    meta,
    store,
    home: await folderOf('sync'),
    other: await folderOf('archive'),
    maker: (body: Uint8Array) => maker.make(caller, body),
    commit: async (...intents: Parameters<typeof executeIntents>[2]) => executeIntents(meta, caller, intents),
    upload: async (bytes: Uint8Array) => {
      await uploads.accept(
        caller,
        (async function* all() {
          yield* contentOf(bytes).blocks;
        })(),
      );
    },
    collect: async () => collector.run(new AbortController().signal),
    remains: (bytes: Uint8Array) => store.kept.has(digestOf(bytes)),
    /** The nodes of a space below its folder, by revision. */
    records: async (space: string): Promise<NodeRecord[]> => {
      const found: NodeRecord[] = [];
      for await (const page of feed(meta.db, await spaceRow(meta, space), 1)) {
        for (const line of page) if (!('cursor' in line)) found.push(line);
      }
      return found;
    },
  };
}

async function rigCommit(
  meta: MetaStore,
  caller: { readonly account: string; readonly device: string },
  ...intents: Parameters<typeof executeIntents>[2]
) {
  return await executeIntents(meta, caller, intents);
}

function digestOf(bytes: Uint8Array): string {
  return contentOf(bytes).blocks[0]?.digest ?? '';
}

function nodeOf(result: Awaited<ReturnType<typeof executeIntents>>[number] | undefined): [string, string | null] {
  if (result?.status !== 'done') throw new Error(`refused: ${JSON.stringify(result)}`);
  return [result.node.id, result.node.version];
}

async function blockOf(meta: MetaStore, bytes: Uint8Array) {
  return await meta.db.selectFrom('blocks').selectAll().where('digest', '=', digestOf(bytes)).executeTakeFirst();
}

async function spaceRow(meta: MetaStore, id: string) {
  return await meta.db.selectFrom('spaces').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

async function spaceOfKind(meta: MetaStore, kind: 'sync' | 'archive' | 'backup') {
  return await meta.db.selectFrom('spaces').selectAll().where('kind', '=', kind).executeTakeFirstOrThrow();
}

async function spaceCounts(meta: MetaStore, id: string) {
  const { rev, bytes, files } = await spaceRow(meta, id);
  return { rev, bytes, files };
}

async function usedOf(meta: MetaStore) {
  return await meta.db.selectFrom('accounts').select('used').executeTakeFirstOrThrow();
}
