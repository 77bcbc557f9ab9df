import Libsql from 'libsql';
import { SqliteDialect } from 'kysely';
import t from 'tap';
import { BlockReader } from '../../../../src/cloud/server/blocks/block-reader.ts';
import { LocalBlockStore } from '../../../../src/cloud/server/blocks/local.ts';
import { Uploads } from '../../../../src/cloud/server/blocks/uploads.ts';
import { executeIntents } from '../../../../src/cloud/server/intents/batch.ts';
import { touchBlocks } from '../../../../src/cloud/server/meta/block-table.ts';
import { issueToken } from '../../../../src/cloud/server/meta/devices.ts';
import { MetaStore } from '../../../../src/cloud/server/meta/meta-store.ts';
import { insertSpace } from '../../../../src/cloud/server/meta/spaces.ts';
import { sqliteTypes } from '../../../../src/cloud/server/meta/sqlite.ts';
import { contentOf, mkdir, noise, put } from '../../../helpers/intents.ts';
import { temporary } from '../../../helpers/temporary.ts';

/** Tables that grow with the number of files. */
const LARGE = /\b(nodes|versions|intents|batches|blocks)\b/;
/** A plan that reads a whole table, or all of an account. */
const WHOLE = /^SCAN (?!\d+ CONSTANT)|\(account=\?\)$|\(space=\?\)$|\(device=\?\)$/;

t.test('no statement of an upload or a commit reads more rows than it is given', async (t) => {
  const connection = new Libsql(':memory:');
  const texts = new Set<string>();
  const prepare = (text: string) => {
    texts.add(text);
    return connection.prepare(text);
  };
  const dialect = new SqliteDialect({ database: { prepare, close: () => void connection.close() } });
  const meta = await MetaStore.open({ dialect, types: sqliteTypes, now: Date.now, moved: () => undefined });
  const store = await LocalBlockStore.open(temporary(t));
  t.teardown(async () => store.close());
  const { db } = meta;
  const row = { id: 'ada', email: 'ada@example.org', password: '', quota: 1e9, used: 0, created: 0 };
  await db.insertInto('accounts').values(row).execute();
  await insertSpace(db, { account: 'ada', kind: 'sync', name: 'sync', device: '' }, 0);
  const device = (await issueToken(db, 'ada', { name: 'a', platform: 'b' }, 0)).row.id;
  const caller = { account: 'ada', device };
  const { id: space, root: parent } = await db.selectFrom('spaces').select(['id', 'root']).executeTakeFirstOrThrow();
  const reader = new BlockReader({ db, store, log: { error: () => undefined } });
  const uploads = new Uploads({ db, store, reader, now: Date.now });
  const contents = Array.from({ length: 50 }, (_, i) => contentOf(noise(100 + i)));
  const blocks = contents.flatMap((content) => content.blocks);
  const folder = mkdir({ space, parent, name: 'folder' });
  texts.clear();

  const digests = blocks.map(({ digest }) => digest);
  const upload = async () =>
    uploads.accept(
      caller,
      (async function* all() {
        yield* blocks;
      })(),
    );
  await touchBlocks(db, caller, digests, Date.now());
  await upload();
  await upload();
  const files = contents.map(({ wire }, i) => put({ space, parent: folder.node, name: `${i}` }, wire));
  const results = await executeIntents(meta, caller, [folder, ...files]);
  t.ok(results.every(({ status }) => status === 'done'));

  for (const text of texts) {
    if (!LARGE.test(text) || !/^(select|update|insert|delete)/.test(text)) continue;
    const values = Array.from({ length: (text.match(/\?/g) ?? []).length }, () => 0);
    const plan = connection.prepare(`explain query plan ${text}`).all(values) as { detail: string }[];
    const whole = plan.filter(({ detail }) => WHOLE.test(detail));
    t.strictSame(
      whole.map(({ detail }) => `${detail}: ${text.slice(0, 200)}`),
      [],
    );
  }
  await meta.close();
});
