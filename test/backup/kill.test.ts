import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import { background } from '../../src/vfs/context.ts';
import { startTestCloud } from '../helpers/cloud.ts';
import { killAfter } from '../helpers/killed-child.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

const src = join(import.meta.dirname, '../../src');

/** A run in a separate process, which prints a line before and after every commit. */
function program(url: string, token: string, folder: string, index: string): string {
  const from = (path: string) => JSON.stringify(join(src, path));
  return `
    import { runBackup } from ${from('backup/run.ts')};
    import { openBackupStore } from ${from('backup/store.ts')};
    import { Database } from ${from('cache/db/database.ts')};
    import { HttpRemote } from ${from('cloud/http/http-remote.ts')};
    const { signal } = new AbortController();
    const remote = new HttpRemote({ url: ${JSON.stringify(url)}, token: ${JSON.stringify(token)} });
    for (const name of ['commit', 'upload', 'missing']) {
      const method = remote[name].bind(remote);
      remote[name] = async (...args) => {
        say(name);
        const answer = await method(...args);
        say('done ' + name);
        return answer;
      };
    }
    const space = await remote.openBackup('set', { signal });
    const database = await Database.open(${JSON.stringify(index)});
    const store = await openBackupStore(database, space.id);
    await runBackup({ folder: ${JSON.stringify(folder)}, space, remote, store, signal });
    await database.close();
    await remote.close();
    for (let i = 0; i < 100; i++) say('finished');
  `;
}

function fill(folder: string): void {
  for (let i = 0; i < 400; i++) {
    const dir = join(folder, `dir ${i % 30}`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, `file ${i}.bin`), Buffer.alloc(20_000 + i, String(i)));
  }
  // Real files besides the generated ones, with names, links and modes as they occur.
  const docs = '/usr/share/doc/base-files';
  if (existsSync(docs)) cpSync(docs, join(folder, 'docs'), { recursive: true, verbatimSymlinks: true });
}

t.test('after a kill at any point the next run continues, and creates nothing twice', async (t) => {
  const cloud = await startTestCloud(t);
  const base = temporary(t);
  const folder = join(base, 'source');
  mkdirSync(folder);
  fill(folder);
  const token = await cloud.login();
  const run = program(cloud.url, token, folder, join(base, 'index'));
  for (const lines of [1, 3, 5, 8, 1000]) {
    const heard = await killAfter(lines, join(base, 'said'), run);
    if (lines === 1000) t.ok(heard.includes('finished'), 'the last run completed');
  }

  const remote = new HttpRemote({ url: cloud.url, token });
  t.teardown(() => remote.close());
  const space = await remote.openBackup('set', background);
  const places: string[] = [];
  let removed = 0;
  for await (const record of remote.feed(space.id, 0, background)) {
    if (!('id' in record)) continue;
    if (record.removed) removed += 1;
    else places.push(`${record.parent}/${record.name}`);
  }
  t.equal(removed, 0, 'nothing was created unnecessarily');
  t.equal(new Set(places).size, places.length);
  t.equal(places.length, readdirSync(folder, { recursive: true }).length);
  t.equal((await remote.usage(background)).files, places.length - countFolders(folder));
});

function countFolders(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isFile()).length;
}
