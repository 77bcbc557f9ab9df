import t, { type Test } from 'tap';
import { type Server, send } from '../conversations/conversation.ts';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';

t.setTimeout(500_000);

/** Invalid addresses below a mount; every method must get this status. */
const REFUSED: Readonly<Record<string, number>> = {
  '%': 400,
  '%zz': 400,
  '%C3%28': 400,
  'a%00b': 400,
  '..': 400,
  '../..': 400,
  '%2e%2e/etc/passwd': 400,
  '../../../../etc/passwd': 400,
  'a%2Fb': 400,
  [encodeURIComponent('å'.repeat(128))]: 414,
  ['n'.repeat(256)]: 414,
  ['/abcdefg'.repeat(512).slice(1)]: 414,
};

/** Names that are invalid on Windows, and others that programs have problems with. */
const KEPT: readonly string[] = [
  'n'.repeat(255),
  'å'.repeat(127),
  'CON',
  'aux.txt',
  'trailing dot.',
  'trailing space ',
  'a:b',
  'a*b?"<>|',
  'back\\slash',
  '%41',
  '...',
  '-rf',
  '\u202Egnp.exe',
  'e\u0301',
  'line\nbreak',
  'bell\u0007',
  'delete\u007f',
];

t.test('invalid names, and valid names that look invalid', async (t) => {
  const fjord = await startFjord(t, { env: { FJORD_ARCHIVE_SETTLE: '10 min' } });
  const { pid } = fjord.access.gateway;
  const { url, user, password } = fjord.webdav;
  const server: Server = { url, authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  const ask = async (method: string, path: string, body?: string) =>
    send(server, '', { method, path, status: 0, ...(body === undefined ? {} : { body }) });

  for (const mount of ['Sync', 'Archive', 'Backup']) {
    await t.test(`refused in /${mount}`, async (t) => {
      for (const [name, status] of Object.entries(REFUSED)) {
        for (const method of ['GET', 'PUT', 'MKCOL', 'DELETE', 'PROPFIND']) {
          const answer = await ask(method, `/${mount}/${name}`, method === 'PUT' ? 'x' : undefined);
          if (answer.status !== status)
            t.equal(answer.status, status, `${method} ${name.slice(0, 40)}: ${answer.text}`);
        }
      }
      t.equal((await ask('OPTIONS', `/${mount}/`)).status, 200, 'the gateway keeps running');
    });
  }

  for (const mount of ['Sync', 'Archive']) {
    await t.test(`kept in /${mount}`, async (t) => {
      for (const name of KEPT) {
        const path = `/${mount}/${encodeURIComponent(name)}`;
        t.equal((await ask('PUT', path, name)).status, 201, JSON.stringify(name.slice(0, 40)));
        t.equal((await ask('GET', path)).text, name);
      }
    });
  }
  await t.test('refused in /Backup, which is read-only', async (t) => {
    for (const name of KEPT) t.equal((await ask('PUT', `/Backup/${encodeURIComponent(name)}`, name)).status, 403);
  });

  await arrive(t, fjord);
  t.equal(fjord.access.gateway.pid, pid);
  process.kill(pid, 0);
  t.notMatch(fjord.output, /gateway (?:ended|was ended)/, 'it is still the same process');
});

async function arrive(t: Test, fjord: Fjord): Promise<void> {
  const { code, stderr } = await fjord.cli('flush');
  t.equal(code, 0, stderr);
  for (const mount of ['Sync', 'Archive'] as const) {
    t.strictSame(new Set((await fjord.cloudTree(mount)).keys()), new Set(KEPT), `/${mount} in the cloud`);
  }
}
