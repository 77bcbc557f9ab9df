import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { HttpRemote } from '../../../../src/cloud/http/http-remote.ts';
import { MetaStore } from '../../../../src/cloud/server/meta/meta-store.ts';
import { postgresDialect, postgresTypes } from '../../../../src/cloud/server/meta/postgres.ts';
import { startCloud } from '../../../../src/cloud/server/service.ts';
import { linksContract } from '../../../contract/links.ts';
import { metaStoreContract } from '../../../contract/meta-store.ts';
import { newFilesContract } from '../../../contract/new-files.ts';
import { remoteContract } from '../../../contract/remote.ts';
import { secondFactorContract } from '../../../contract/second-factor.ts';
import { sharingContract } from '../../../contract/sharing.ts';
import { startTestCloud } from '../../../helpers/cloud.ts';
import { findPostgres, TestPostgres } from '../../../helpers/postgres.ts';
import { temporary } from '../../../helpers/temporary.ts';

t.setTimeout(500_000);

const found = findPostgres();

t.test('on PostgreSQL', { skip: 'missing' in found ? found.missing : false }, async (t) => {
  if ('missing' in found) return;
  const server = await TestPostgres.start(t, found.bin);
  let count = 0;
  const database = (): Promise<string> => server.database(`contract${++count}`);

  for (const contract of [metaStoreContract, newFilesContract]) {
    contract(t, async (_, options) => {
      const dialect = postgresDialect(await database());
      return await MetaStore.open({ dialect, types: postgresTypes, ...options });
    });
  }

  remoteContract(t, async (t) => {
    const { url, login, password } = await startTestCloud(t, { database: await database() });
    const open = async (device: string): Promise<HttpRemote> => {
      const remote = new HttpRemote({ url, token: await login(device) });
      t.teardown(async () => remote.close());
      return remote;
    };
    return { first: await open('laptop'), second: await open('desktop'), password };
  });

  linksContract(t, async (t, options) => startTestCloud(t, { ...options, database: await database() }));

  sharingContract(t, async (t, options) => startTestCloud(t, { ...options, database: await database() }));

  secondFactorContract(t, async (t, options) => startTestCloud(t, { ...options, database: await database() }));

  t.test('only one process at a time can use it', async (t) => {
    const url = await database();
    const options = { types: postgresTypes, now: Date.now, moved: () => undefined };
    const first = await MetaStore.open({ dialect: postgresDialect(url), ...options });
    await t.rejects(MetaStore.open({ dialect: postgresDialect(url), ...options }), { message: /another process/ });
    await first.close();
    const second = await MetaStore.open({ dialect: postgresDialect(url), ...options });
    await second.close();
  });

  t.test('a lost connection is replaced by the next call', async (t) => {
    const url = await database();
    const options = { types: postgresTypes, now: Date.now, moved: () => undefined };
    const meta = await MetaStore.open({ dialect: postgresDialect(url), ...options });
    t.teardown(() => meta.close());
    const accounts = () => meta.db.selectFrom('accounts').select('id').execute();
    t.same(await accounts(), []);
    await server.cutConnections();
    // The first call may find the connection broken.
    for (let tries = 0; tries < 5; tries++)
      if (
        await accounts().then(
          () => true,
          () => false,
        )
      )
        break;
    t.same(await accounts(), []);
  });

  t.test('a connection that is lost between two statements only ends the transaction', async (t) => {
    const url = await database();
    const options = { types: postgresTypes, now: Date.now, moved: () => undefined };
    const meta = await MetaStore.open({ dialect: postgresDialect(url), ...options });
    t.teardown(() => meta.close());
    const accounts = (db: Pick<typeof meta.db, 'selectFrom'>) => db.selectFrom('accounts').select('id').execute();
    const cut = meta.db.transaction().execute(async (transaction) => {
      await accounts(transaction);
      await server.cutConnections();
      await sleep(100);
      await accounts(transaction);
    });
    await t.rejects(cut);
    t.same(await accounts(meta.db), []);
  });

  t.test('a folder has its metadata in one place', async (t) => {
    const [url, data] = [await database(), temporary(t)];
    const address = { data, host: '127.0.0.1', port: 0 };
    const cloud = await startCloud({ ...address, database: url });
    await cloud.accounts.add('ada@example.org', 'correct horse battery');
    await cloud.close();
    await t.rejects(startCloud(address), { message: /in PostgreSQL/ });
    const again = await startCloud({ ...address, database: url });
    t.match(await again.accounts.list(), [{ email: 'ada@example.org', used: 0 }]);
    await again.close();
    const other = { ...address, data: temporary(t) };
    await (await startCloud(other)).close();
    await t.rejects(startCloud({ ...other, database: url }), { message: /meta\.db/ });
  });
});
