import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { choosePorts } from '../../src/daemon/ports.ts';
import { closeToOthers, makePrivateFolder, readIfThere, writePrivateFile } from '../../src/daemon/private-file.ts';
import { generatePassword, readDevice, webDavPassword, writeDevice } from '../../src/daemon/secrets.ts';
import { temporary } from '../helpers/temporary.ts';

t.test('only the owner can read a private file, and it is written completely or not at all', async (t) => {
  const dir = join(temporary(t), 'new');
  const path = join(dir, 'secret');
  t.equal(await readIfThere(path), undefined);
  await writePrivateFile(path, 'one');
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(statSync(dir).mode & 0o777, 0o700);
  await Promise.all(Array.from({ length: 20 }, (_, i) => writePrivateFile(path, `two ${i}`)));
  t.match(await readIfThere(path), /^two \d+$/);
  t.same(readdirSync(dir), ['secret'], 'nothing is left over');

  mkdirSync(join(dir, 'folder'));
  await t.rejects(writePrivateFile(join(dir, 'folder'), 'x'));
  t.same(readdirSync(dir), ['folder', 'secret']);
});

t.test("Fjord's own folder is closed to others, and another one is refused", async (t) => {
  const dir = join(temporary(t), 'data');
  mkdirSync(dir);
  chmodSync(dir, 0o777);
  await makePrivateFolder(dir);
  t.equal(statSync(dir).mode & 0o777, 0o700, 'an empty one');

  const [secret, absent] = [join(dir, 'device.json'), join(dir, 'account.json')];
  writeFileSync(secret, '{}');
  chmodSync(secret, 0o644);
  chmodSync(dir, 0o755);
  await makePrivateFolder(dir);
  await closeToOthers([secret, absent]);
  t.equal(statSync(dir).mode & 0o777, 0o700);
  t.equal(statSync(secret).mode & 0o777, 0o600);

  const other = join(dir, 'photos');
  mkdirSync(other);
  writeFileSync(join(other, 'a.jpg'), '');
  chmodSync(other, 0o777);
  await t.rejects(makePrivateFolder(other), { code: 'EACCES', reason: /contains other files/ });
  t.equal(statSync(other).mode & 0o777, 0o777, 'and left as it is');

  if (process.getuid?.() !== 0) return;
  chownSync(secret, 12_345, 12_345);
  chownSync(other, 12_345, 12_345);
  await t.rejects(makePrivateFolder(other), { code: 'EACCES', reason: /another user/ });
  await t.rejects(closeToOthers([secret]), { code: 'EACCES', reason: /another user/ });
});

t.test('a password is generated once and is hard to guess', async (t) => {
  const path = join(temporary(t), 'webdav.json');
  const password = await webDavPassword(path);
  t.match(password, /^[a-z2-9]{6}(-[a-z2-9]{6}){3}$/);
  t.equal(await webDavPassword(path), password);
  t.not(generatePassword(), generatePassword());
});

t.test('a damaged file is reported, and not treated as missing', async (t) => {
  const path = join(temporary(t), 'device.json');
  t.equal(await readDevice(path), undefined);
  for (const damaged of ['', '{', '{}', '{"url":"http://x/","email":"","token":"","device":{"id":"a","name":"b"}}']) {
    writeFileSync(path, damaged);
    await t.rejects(readDevice(path), { code: 'EIO', subject: path, reason: /damaged/ }, damaged);
  }
  const device = { url: 'http://x/', email: 'a@b', token: 't', device: { id: 'i', name: 'n' } };
  await writeDevice(path, device);
  t.same(await readDevice(path), device);
  t.ok(readFileSync(path, 'utf8').endsWith('\n'));
});

t.test('ports stay the same from run to run', async (t) => {
  const file = join(temporary(t), 'ports.json');
  const wishes = { host: '127.0.0.1', webdav: 0, usual: 4918, timeout: 0 };
  const first = await choosePorts(file, wishes);
  t.not(first.webdav, first.cloud);
  t.same(await choosePorts(file, wishes), first);

  const other = createServer().listen(first.webdav, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const second = await choosePorts(file, wishes);
  t.not(second.webdav, first.webdav, 'a port in use is replaced');
  t.equal(second.cloud, first.cloud);
  await t.rejects(choosePorts(file, { ...wishes, webdav: first.webdav }), {
    kind: 'conflict',
    message: `port ${first.webdav} is in use by another program; name another with --port`,
  });
});

t.test('the cloud gets the port next to the requested one', async (t) => {
  const file = join(temporary(t), 'ports.json');
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const { webdav, cloud } = await choosePorts(file, { host: '127.0.0.1', webdav: port, usual: 4918, timeout: 0 });
  t.equal(webdav, port);
  t.ok(cloud === port + 1 || cloud > 1023, 'or another one if that is in use');
});
