import { v7 as newId } from 'uuid';
import type { Test } from 'tap';
import type { Intent, IntentResult, NodeRecord } from '../../src/cloud/records.ts';
import type { BlockStore } from '../../src/cloud/server/blocks/block-store.ts';
import { Arrivals } from '../../src/cloud/server/blocks/arrivals.ts';
import { BlockReader } from '../../src/cloud/server/blocks/block-reader.ts';
import { Uploads, abandonUploads } from '../../src/cloud/server/blocks/uploads.ts';
import { Collector } from '../../src/cloud/server/collector.ts';
import { storedBlocks } from '../../src/cloud/server/meta/stored-blocks.ts';
import { Digests } from '../../src/cloud/server/digests.ts';
import { TreeDigest } from '../../src/cloud/tree-digest.ts';
import { feed, snapshot } from '../../src/cloud/server/feed.ts';
import { executeIntents } from '../../src/cloud/server/intents/batch.ts';
import { Inserter } from '../../src/cloud/server/meta/inserter.ts';
import { issueToken } from '../../src/cloud/server/meta/devices.ts';
import type { MetaStore, MetaStoreOptions } from '../../src/cloud/server/meta/meta-store.ts';
import type { SpaceRow } from '../../src/cloud/server/meta/schema.ts';
import { insertSpace } from '../../src/cloud/server/meta/spaces.ts';
import { contentOf, mkdir, noise, put, remove } from '../helpers/intents.ts';

type Make = (t: Test, options: Pick<MetaStoreOptions, 'moved' | 'now'>) => Promise<MetaStore>;

interface Rig {
  readonly meta: MetaStore;
  readonly caller: { readonly account: string; readonly device: string };
  readonly moves: [string, number][];
  readonly space: () => Promise<SpaceRow>;
  readonly commit: (...intents: Intent[]) => Promise<IntentResult[]>;
  /** Marks the blocks of a content as stored. */
  readonly stored: (bytes: Uint8Array) => Promise<ReturnType<typeof contentOf>>;
}

/** The requirements on every database for the metadata. `make` creates an empty one with its tables. */
export function metaStoreContract(t: Test, make: Make): void {
  t.test('a transaction is all or nothing', async (t) => {
    const { meta, caller, space, moves } = await rig(t, make);
    const { id } = await space();
    const failed = meta.transaction(caller, async (edit) => {
      const home = await edit.space(id);
      const place = {
        space: home.id,
        parent: home.root,
        name: 'a',
        version: null,
        hash: null,
        target: null,
        xattrs: null,
        posix: null,
      };
      await edit.insert(home, { ...place, id: newId(), kind: 'folder', mode: 0, mtime: 0, birthtime: 0, size: 0 });
      throw new Error('in the middle');
    });
    await t.rejects(failed, { message: 'in the middle' });
    t.match(await space(), { rev: 0 });
    t.same(moves, [], 'no notification is sent');
  });

  t.test('an intent of a large batch is executed once, with whichever others it is sent again', async (t) => {
    const { commit, space } = await rig(t, make);
    const { id, root } = await space();
    const intents: Intent[] = Array.from({ length: 60 }, (_, n) => mkdir({ space: id, parent: root, name: `${n}` }));
    const odd: Intent = { ...mkdir({ space: id, parent: root, name: 'odd' }), id: 'another.kind_of-id' };
    const old: Intent = { ...mkdir({ space: id, parent: root, name: 'old' }), id: newId({ msecs: 1e12 }) };
    const other = mkdir({ space: id, parent: root, name: 'other' });
    const first = await commit(...intents.slice(0, 30).toReversed(), odd, old);
    const second = await commit(...intents.slice(30));
    const results = new Map([...first, ...second].map((result) => [result.id, result]));
    t.ok([...results.values()].every(({ status }) => status === 'done'));
    const { rev } = await space();
    for (const again of [[odd, old], intents.slice(20, 40), [old, ...intents], [intents[59] as Intent]]) {
      t.same(
        await commit(...again),
        again.map((intent) => results.get(intent.id)),
      );
    }
    t.match(await space(), { rev }, 'nothing was done again');
    t.match(await commit(other, intents[0] as Intent), [{ status: 'done' }, results.get((intents[0] as Intent).id)]);
    t.match(await space(), { rev: rev + 1 });
  });

  t.test('rows with values in common are inserted as they are', async (t) => {
    const { meta } = await rig(t, make);
    const inserter = new Inserter('places', (insert) => insert.onConflict((conflict) => conflict.doNothing()));
    const rows = Array.from({ length: 237 }, (_, n) => ({
      node: n < 150 ? 'a' : `b${n}`,
      parent: 'p',
      name: n % 3 === 0 ? 'x' : `?${n} $1`,
      until: n < 100 ? 0.5 : n,
      space: n < 200 ? 's' : `s${n}`,
      rev: n,
    }));
    t.equal(await inserter.insert(meta.db, rows), rows.length);
    t.same(await meta.db.selectFrom('places').selectAll().orderBy('rev').execute(), rows);
    t.equal(await inserter.insert(meta.db, []), 0);
  });

  t.test('concurrent edits of a space assign each revision once', async (t) => {
    const { commit, space, moves, meta } = await rig(t, make);
    const { id, root } = await space();
    const batches = Array.from({ length: 10 }, (_, batch) =>
      commit(...Array.from({ length: 10 }, (_, n) => mkdir({ space: id, parent: root, name: `${batch}-${n}` }))),
    );
    const results = (await Promise.all(batches)).flat();
    const revs = results.map((result) => (result.status === 'done' ? result.node.rev : 0));
    t.same(
      revs.sort((a, b) => a - b),
      Array.from({ length: 100 }, (_, n) => n + 1),
    );
    t.equal(moves.length, 10);
    const lines = await all(feed(meta.db, await space(), 0));
    t.same(
      lines.map((line) => ('cursor' in line ? line.cursor : line.rev)),
      [...revs, 100],
    );
  });

  t.test('of two concurrent creations of one name, one succeeds', async (t) => {
    const { commit, space } = await rig(t, make);
    const { id, root } = await space();
    const tries = Array.from({ length: 8 }, async () => commit(mkdir({ space: id, parent: root, name: 'mine' })));
    const results = (await Promise.all(tries)).flat();
    t.equal(results.filter(({ status }) => status === 'done').length, 1);
    t.ok(results.every((result) => result.status === 'done' || result.code === 'exists'));
  });

  t.test('numbers, texts and bytes are stored exactly', async (t) => {
    const { commit, space, stored, meta } = await rig(t, make);
    const { id, root } = await space();
    const content = await stored(noise(10));
    const name = 'e\u0301 \u{1f600} %_\\ \n';
    const times = { mtime: 1_700_000_000_123.25, birthtime: -12.5 };
    const file = put({ space: id, parent: root, name }, content.wire, { ...times, xattrs: { 'a/b': 'AAE=' } });
    const [result] = await commit(file);
    t.match(result, { status: 'done', node: { name, ...times, xattrs: { 'a/b': 'AAE=' }, hash: content.hash } });
    const [line] = await all(snapshot(meta.db, await space()));
    t.same(line, result?.status === 'done' ? result.node : undefined, 'read as written');
    const other = mkdir({ space: id, parent: root, name: name.normalize('NFC') });
    t.match(await commit(other), [{ status: 'done' }], 'names are compared byte by byte');
    t.match(await commit(mkdir({ space: id, parent: root, name })), [{ code: 'exists' }]);
  });

  t.test('references to blocks and used bytes are updated with the versions', async (t) => {
    const { commit, space, stored, meta } = await rig(t, make);
    const { id, root } = await space();
    const content = await stored(noise(1000));
    const digest = content.blocks[0]?.digest ?? '';
    const refs = async () =>
      (await meta.db.selectFrom('blocks').select('refs').where('digest', '=', digest).executeTakeFirstOrThrow()).refs;
    const used = async () => (await meta.db.selectFrom('accounts').select('used').executeTakeFirstOrThrow()).used;
    const [a, b] = ['a', 'b'].map((name) => put({ space: id, parent: root, name }, content.wire));
    await commit(a as Intent, b as Intent, a as Intent);
    t.same([await refs(), await used()], [2, 1000]);
    const replaced = put({ space: id, parent: root, name: 'a' }, { size: 0, blocks: '' }, { replace: a?.node ?? '' });
    await commit(replaced);
    t.same([await refs(), await used()], [2, 1000], 'replaced content is still a version');
  });

  t.test('a snapshot omits everything below a removed folder, however deep', async (t) => {
    const { commit, space, meta } = await rig(t, make);
    const { id, root } = await space();
    const chain = [mkdir({ space: id, parent: root, name: 'top' })];
    for (let depth = 0; depth < 50; depth += 1) {
      chain.push(mkdir({ space: id, parent: chain.at(-1)?.node ?? root, name: `${depth}` }));
    }
    await commit(...chain, mkdir({ space: id, parent: root, name: 'stays' }));
    t.equal((await all(snapshot(meta.db, await space()))).length, 53);
    await commit(remove(id, chain[10]?.node ?? '', null, 1000));
    t.equal((await all(snapshot(meta.db, await space()))).length, 10 + 1 + 1);
    const live = (await all(snapshot(meta.db, await space()))) as NodeRecord[];
    t.notOk(live.some(({ name }) => name === '40'));
  });

  t.test(
    'the digest of a space that changes while it is read is that of one revision, and computed once for it',
    async (t) => {
      const { commit, space, meta } = await rig(t, make);
      const { id, root } = await space();
      const folders = (count: number, parent: string): Intent[] =>
        Array.from({ length: count }, (_, n) => mkdir({ space: id, parent, name: `${n}` }));
      const top = mkdir({ space: id, parent: root, name: 'top' });
      await commit(top);
      for (let n = 0; n < 3; n++) {
        const inner = mkdir({ space: id, parent: top.node, name: `f${n}` });
        await commit(inner, ...folders(400, inner.node));
      }
      const digests = new Digests({ db: meta.db });
      const expected = async (): Promise<[number, string]> => {
        const digest = new TreeDigest();
        for (const node of (await all(snapshot(meta.db, await space()))) as NodeRecord[])
          if ('id' in node) digest.add(node);
        return [(await space()).rev, digest.toString()];
      };
      const before = await expected();
      const asked = [1, 2, 3].map(async () => digests.of(await space()));
      await commit(mkdir({ space: id, parent: root, name: 'late' }), remove(id, top.node, null, 10_000));
      const [one, ...others] = await Promise.all(asked);
      t.ok(
        others.every((other) => other === one),
        'all get the same one',
      );
      const after = await expected();
      t.ok(one?.sums === new Map([before, after]).get(one?.rev ?? 0), 'it is that of its revision');
      const last = await digests.of(await space());
      t.same([last.rev, last.sums], after);
      t.equal(await digests.of(await space()), last);
    },
  );

  t.test('a lost block counts as missing everywhere, and as stored once it has been uploaded again', async (t) => {
    const { meta, caller, space, commit } = await rig(t, make);
    const { id, root } = await space();
    const blocks = new Map<string, Uint8Array>();
    const store: BlockStore = {
      put: async (_account, list) => list.forEach(({ digest, data }) => blocks.set(digest, data)),
      get: async (_account, digest) => blocks.get(digest),
      remove: async (_account, digest) => void blocks.delete(digest),
      async *list() {},
    };
    const { db } = meta;
    const reader = new BlockReader({ db, store, log: { error: () => undefined } });
    const uploads = new Uploads({ db, store, reader, now: Date.now });
    const arrivals = new Arrivals();
    const collector = new Collector({ db, store, now: () => Date.now() + 1e12, spare: Infinity, grace: 0, arrivals });
    const content = contentOf(noise(100));
    const [block] = content.blocks;
    const digest = block?.digest ?? '';
    const upload = async (): Promise<number> =>
      uploads.accept(
        caller,
        (async function* all() {
          yield* content.blocks;
        })(),
      );
    const stored = async (): Promise<boolean> => (await storedBlocks(db, caller.account, [digest])).has(digest);
    await upload();
    const [made] = await commit(put({ space: id, parent: root, name: 'f' }, content.wire));
    const version = made?.status === 'done' ? (made.node.version ?? '') : '';
    blocks.clear();
    await t.rejects(reader.read(caller.account, digest), { code: 'damaged' });
    t.equal(await stored(), false);
    t.match(await commit(put({ space: id, parent: root, name: 'g' }, content.wire)), [{ code: 'blocks_missing' }]);
    t.match(await commit(put({ space: id, parent: root, name: 'copy' }, { from: version })), [{ status: 'done' }]);
    await collector.run(AbortSignal.timeout(10_000));
    await abandonUploads(db);
    store.put = async () => Promise.reject(new Error('no disk'));
    await t.rejects(upload(), { message: 'no disk' });
    t.equal(await stored(), false);
    store.put = async (_account, list) => list.forEach(({ digest, data }) => blocks.set(digest, data));
    await upload();
    t.equal(await stored(), true);
    t.equal((await reader.read(caller.account, digest)).length, 100);
    t.match(await db.selectFrom('blocks').select('refs').execute(), [{ refs: 2 }]);
  });
}

async function rig(t: Test, make: Make): Promise<Rig> {
  const moves: [string, number][] = [];
  const meta = await make(t, { now: Date.now, moved: (_account, space, rev) => moves.push([space, rev]) });
  t.teardown(async () => meta.close());
  const account = newId();
  const row = { id: account, email: 'ada@example.org', password: '', quota: 1e9, used: 0, created: 0 };
  await meta.db.insertInto('accounts').values(row).execute();
  await insertSpace(meta.db, { account, kind: 'sync', name: 'sync', device: '' }, 0);
  const device = (await issueToken(meta.db, account, { name: 'a', platform: 'b' }, 0)).row.id;
  const caller = { account, device };
  return {
    meta,
    caller,
    moves,
    space: async () => meta.db.selectFrom('spaces').selectAll().executeTakeFirstOrThrow(),
    commit: async (...intents) => executeIntents(meta, caller, intents),
    stored: async (bytes) => {
      const content = contentOf(bytes);
      const state = { account, refs: 0, state: 'stored', touched: 0, awaited: null } as const;
      const rows = content.blocks.map(({ digest, data }) => ({
        ...state,
        digest,
        size: data.length,
        generation: digest,
      }));
      await meta.db.insertInto('blocks').values(rows).execute();
      return content;
    },
  };
}

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const lines: T[] = [];
  for await (const page of pages) lines.push(...page);
  return lines;
}
