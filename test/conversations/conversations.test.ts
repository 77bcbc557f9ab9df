import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { type Mount, type Server, type Step, converse, send } from './conversation.ts';
import { explorer } from './explorer.ts';
import { finder } from './finder.ts';
import { gvfs } from './gvfs.ts';
import { office } from './office.ts';

t.setTimeout(500_000);

const CLIENTS: Record<string, readonly Step[]> = { finder, explorer, gvfs, office };

t.test('recorded clients in every kind of folder', async (t) => {
  const fjord = await startFjord(t);
  const { user, password, url } = fjord.webdav;
  const server: Server = { url, authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };

  const source = t.testdir();
  await mkdir(join(source, 'letters'));
  await writeFile(join(source, 'letters/a.txt'), 'kept\n');
  t.equal((await fjord.cli('backup', 'add', source, '--name', 'papers')).code, 0);
  t.equal((await fjord.cli('backup', 'run', 'papers')).code, 0);
  const devices = await send(server, 'Backup/', { method: 'PROPFIND', path: '', headers: { depth: '1' }, status: 207 });
  const device = /\/Backup\/([^/<]+)\//.exec(devices.text)?.[1] ?? 'no device';

  const make = async (path: string): Promise<void> => {
    t.equal((await send(server, path, { method: 'MKCOL', path: '', status: 201 })).status, 201, path);
  };
  const folders: Record<Mount, (client: string) => Promise<string>> = {
    Sync: async (client) => {
      await make(`Sync/${client}/`);
      return `Sync/${client}/`;
    },
    Archive: async (client) => {
      await make(`Archive/${client}/`);
      return `Archive/${client}/`;
    },
    Backup: async () => `Backup/${device}/papers/`,
  };
  for (const [client, steps] of Object.entries(CLIENTS)) {
    for (const mount of ['Sync', 'Backup', 'Archive'] as const) {
      await t.test(`${client} in /${mount}`, async (t) => {
        await converse(t, server, await folders[mount](client), mount, steps);
      });
    }
  }

  await t.test('files that were put into /Archive are sealed once they are in the cloud', async (t) => {
    const put = { method: 'PUT', path: 'will.txt', body: 'for ever', status: 201 };
    t.equal((await send(server, 'Archive/', put)).status, 201);
    await flush(t, fjord);
    for (const step of [
      { method: 'GET', path: 'will.txt' },
      { method: 'DELETE', path: 'will.txt' },
      { method: 'MOVE', path: 'will.txt', headers: { destination: '/Archive/other.txt' } },
      {
        method: 'PROPPATCH',
        path: 'will.txt',
        body: '<propertyupdate xmlns="DAV:"><set><prop><a xmlns="u:"/></prop></set></propertyupdate>',
      },
    ]) {
      const { status, text } = await send(server, 'Archive/', { ...step, status: 403 });
      if (step.method === 'PROPPATCH')
        t.ok(status === 403 || (status === 207 && /403/.test(text)), `${step.method}: ${status} ${text}`);
      else t.equal(status, 403, `${step.method}: ${text}`);
    }
    t.equal(
      (await send(server, 'Archive/', { ...put, body: 'changed my mind' })).status,
      204,
      'a new version is added',
    );
    await flush(t, fjord);
    t.equal((await fjord.cli('cat', '/Archive/will.txt')).stdout, 'changed my mind', 'and fjord reads it back');
  });

  await t.test('backups can be read, and copied by reference', async (t) => {
    const folder = `Backup/${device}/papers/`;
    t.equal((await send(server, folder, { method: 'GET', path: 'letters/a.txt', status: 200 })).text, 'kept\n');
    const copy = {
      method: 'COPY',
      path: 'letters/',
      headers: { destination: `${url}Sync/from%20backup/` },
      status: 201,
    };
    t.equal((await send(server, folder, copy)).status, 201);
    t.equal((await send(server, 'Sync/', { method: 'GET', path: 'from%20backup/a.txt', status: 200 })).text, 'kept\n');
  });
});

async function flush(t: Test, fjord: Fjord): Promise<void> {
  const { code, stderr } = await fjord.cli('flush');
  t.equal(code, 0, stderr);
}
