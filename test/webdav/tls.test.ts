import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import t from 'tap';
import { MemoryLockStore } from '../../src/webdav/locks/lock-store.ts';
import { silent } from '../../src/webdav/log.ts';
import { WebDavServer } from '../../src/webdav/server.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

/** A key and a certificate for this test; `undefined` without openssl. */
function certificate(dir: string): { key: Buffer; cert: Buffer } | undefined {
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=nas.local',
    '-keyout',
    key,
    '-out',
    cert,
  ];
  try {
    execFileSync('openssl', args, { stdio: 'ignore' });
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } catch {
    return undefined;
  }
}

t.test('with TLS it serves other computers, under the configured names', async (t) => {
  const tls = certificate(t.testdir());
  if (tls === undefined) {
    t.comment('openssl is not installed');
    return;
  }
  const options = {
    fs: new MemoryFs(),
    auth: { user: 'u', password: 'p' },
    lockStore: new MemoryLockStore(),
    log: silent,
  };
  const server = new WebDavServer({ ...options, hosts: ['nas.local'] });
  await server.listen({ host: '0.0.0.0', port: 0, tls });
  t.teardown(() => server.close());
  t.match(server.url, /^https:\/\/nas\.local:/, 'an address that a client can use');
  const { port } = new URL(server.url);
  const status = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { cert: ca } = tls;
      const headers = { Host: `${host}:${port}`, Authorization: `Basic ${Buffer.from('u:p').toString('base64')}` };
      const req = request({ host: '127.0.0.1', port, ca, servername: 'nas.local', headers, agent: false }, (res) => {
        res.resume().on('end', () => resolve(res.statusCode));
      });
      req.on('error', reject).end();
    });
  t.equal(await status('nas.local'), 200);
  t.equal(await status('localhost'), 200);
  t.equal(await status('other.local'), 421);
});
