import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runBackup } from '../../src/backup/run.ts';
import { openBackupStore } from '../../src/backup/store.ts';
import { Database } from '../../src/cache/db/database.ts';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import { startCloud } from '../../src/cloud/server/service.ts';
import { background } from '../../src/vfs/context.ts';
import { login, startTestCloud } from '../helpers/cloud.ts';
import { contentOf, put } from '../helpers/intents.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

for (const [how, grow] of [
  ['older', 0],
  ['older, and grown past the cursor', 40],
] as const) {
  t.test(`the next run uploads again what a restored cloud has lost: ${how}`, async (t) => {
    const first = await startTestCloud(t);
    const { data, url, email, password } = first;
    const base = temporary(t);
    const folder = join(base, 'source');
    mkdirSync(folder);
    const database = await Database.open(join(base, 'index'));
    t.teardown(() => database.close());
    const remote = new HttpRemote({ url, token: await login(url, email, password), retry: { pause: 5, longest: 20 } });
    t.teardown(() => remote.close());
    const run = async () => {
      const space = await remote.openBackup('set', background);
      const store = await openBackupStore(database, space.id);
      return await runBackup({ folder, space, remote, store, signal: background.signal });
    };
    const names = async (): Promise<string[]> => {
      const space = await remote.openBackup('set', background);
      const found: string[] = [];
      for await (const record of remote.snapshot(space.id, background)) if ('id' in record) found.push(record.name);
      return found.sort();
    };
    const restart = async (meanwhile: () => void, cloud: { close(): Promise<void> }) => {
      await cloud.close();
      meanwhile();
      const next = await startCloud({ host: '127.0.0.1', port: Number(new URL(url).port), data });
      t.teardown(() => next.close());
      return next;
    };

    for (let i = 0; i < 5; i++) writeFileSync(join(folder, `old ${i}`), `old ${i}`);
    await run();
    const copy = join(base, 'copy.db');
    const second = await restart(() => copyFileSync(join(data, 'meta.db'), copy), first.cloud);
    for (let i = 0; i < 5; i++) writeFileSync(join(folder, `new ${i}`), `new ${i}`);
    writeFileSync(join(folder, 'old 1'), 'changed');
    await run();
    const before = await names();
    await restart(() => copyFileSync(copy, join(data, 'meta.db')), second);
    const { id: space, root: parent } = await remote.openBackup('set', background);
    const grown: string[] = [];
    for (let i = 0; i < grow; i++) {
      const content = contentOf(new Uint8Array());
      await remote.commit([put({ space, parent, name: `grown ${i}` }, content.wire)], background);
      grown.push(`grown ${i}`);
    }
    t.not((await names()).length, before.length);
    for (const name of grown) writeFileSync(join(folder, name), '');
    t.match(await run(), { added: 5, problems: { length: 0 }, paused: undefined });
    t.same(await names(), [...before, ...grown].sort());
  });
}
