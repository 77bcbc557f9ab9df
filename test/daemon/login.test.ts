import t from 'tap';
import { logIn } from '../../src/daemon/login.ts';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import { background } from '../../src/vfs/context.ts';
import { startTestCloud } from '../helpers/cloud.ts';

t.test('a computer that logs in again stays the same device, which owns its backups', async (t) => {
  const { url, email, password } = await startTestCloud(t);
  const first = await logIn({ url, email, password, deviceName: 'laptop' });
  const before = new HttpRemote({ url, token: first.token });
  t.teardown(() => before.close());
  const { id } = await before.openBackup('papers', background);

  const again = await logIn({ url, email, password, deviceName: '', known: first });
  t.same(again.device, first.device);
  t.not(again.token, first.token);
  const after = new HttpRemote({ url, token: again.token });
  t.teardown(() => after.close());
  const backup = (await after.spaces(background)).find((space) => space.id === id);
  t.match(backup, { writable: true });
  await t.rejects(before.spaces(background), { code: 'EACCES' }, 'the old token is invalid');
});

t.test('with the id of a device of another cloud, or of none, it becomes a new device', async (t) => {
  const { url, email, password } = await startTestCloud(t);
  const known = {
    url: 'http://127.0.0.1:1/',
    email,
    token: 'x'.repeat(20),
    device: { id: 'd-elsewhere', name: 'old' },
  };
  const device = await logIn({ url, email, password, deviceName: '', known });
  t.not(device.device.id, 'd-elsewhere');
  const forgotten = await logIn({ url, email, password, deviceName: '', known: { ...known, url } });
  t.not(forgotten.device.id, 'd-elsewhere');
  await t.rejects(logIn({ url, email, password: 'wrong', deviceName: 'x' }), { code: 'EACCES' });
});
