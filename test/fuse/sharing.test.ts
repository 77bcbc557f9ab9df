import { execFile } from 'node:child_process';
import { mkdir, readFile, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import t from 'tap';
import type { GatewayAccess } from '../../src/daemon/access-file.ts';
import { startTestCloud } from '../helpers/cloud.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { MountedDevice } from '../helpers/mounted-device.ts';

t.setTimeout(500_000);

const run = promisify(execFile);
const PASSWORD = 'long enough it is';

t.test('two accounts share a folder through the command line, FUSE and WebDAV', { skip: withoutFuse() }, async (t) => {
  const { cloud, url, email, password } = await startTestCloud(t);
  await cloud.accounts.add('bob@example.org', PASSWORD);
  const ada = await MountedDevice.start(t, { url, email, password });
  const bob = await MountedDevice.start(t, { url, email: 'bob@example.org', password: PASSWORD });
  const hers = join(ada.dir, 'Sync/Team');
  const his = join(bob.dir, 'Sync/Team');
  await mkdir(join(hers, 'sub'), { recursive: true });
  await writeFile(join(hers, 'report'), 'from ada');
  await writeFile(join(hers, 'sub/inner'), 'inside');

  t.match(await ada.cli(['share', '/Sync/Team', '--with', 'bob@example.org']), {
    code: 0,
    stderr: /shared with bob/,
  });
  t.match(await ada.cli(['share', '/Sync/Team/sub', '--with', 'bob@example.org']), {
    code: 5,
    stderr: /do not nest/,
  });
  t.match(await ada.cli(['share', '/Archive', '--with', 'bob@example.org']), { code: 5 });
  t.match(await bob.cli(['shares']), { code: 0, stdout: /Team {2}invitation of ada@example.org as editor/ });
  t.match(await bob.cli(['accept', 'Tam']), { code: 4, stderr: /no such invitation/ });
  t.match(await bob.cli(['accept', 'Team']), { code: 0, stderr: /\/Sync\/Team/ });
  t.equal(await readFile(join(his, 'sub/inner'), 'utf8'), 'inside');
  t.match(await ada.cli(['shares']), {
    stdout: /\/Sync\/Team {2}owner\n.*ada.*owner\n {2}bob@example.org {2}editor\n/,
  });

  await writeFile(join(his, 'sub/new'), 'from bob');
  await until(() => holds(join(hers, 'sub/new'), 'from bob'));
  await writeFile(join(hers, 'report'), 'changed');
  await until(() => holds(join(his, 'report'), 'changed'));
  await rm(join(hers, 'sub/inner'));
  await until(() => isGone(join(his, 'sub/inner')));
  await run('mv', [join(his, 'sub'), join(bob.dir, 'Sync/taken')]);
  await until(() => isGone(join(hers, 'sub')));
  t.equal(await readFile(join(bob.dir, 'Sync/taken/new'), 'utf8'), 'from bob');
  await rename(join(bob.dir, 'Sync/taken'), join(his, 'given'));
  await until(() => holds(join(hers, 'given/new'), 'from bob'));
  await t.rejects(rename(join(his, 'report'), join(bob.dir, 'Archive/report')), { code: 'EXDEV' });
  await t.rejects(rmdir(hers), { code: 'ENOTEMPTY' });
  t.match(await ada.cli(['leave', '/Sync/Team']), { code: 5, stderr: /--for-all/ });
  t.match(await dav(ada, 'DELETE', 'Sync/Team'), { status: 403, text: /for-all/ }, 'nor is it removed over WebDAV');

  t.match(await ada.cli(['share', '/Sync/Team', '--with', 'bob@example.org', '--role', 'viewer']), { code: 0 });
  await until(async () => (await dav(bob, 'PUT', 'Sync/Team/x', 'x')).status === 403);
  await t.rejects(writeFile(join(his, 'x'), 'x'), { code: 'EROFS' });
  await t.rejects(writeFile(join(his, 'report'), 'x'), { code: 'EROFS' });
  await t.rejects(rm(join(his, 'report')), { code: 'EROFS' });
  await t.rejects(rename(join(his, 'report'), join(bob.dir, 'Sync/report')), { code: 'EROFS' });
  t.match(await dav(bob, 'DELETE', 'Sync/Team/report'), { status: 403 });
  t.match(await dav(bob, 'GET', 'Sync/Team/report'), { status: 200, text: 'changed' });
  await rename(his, join(bob.dir, 'Sync/Reading'));
  t.equal(await readFile(join(bob.dir, 'Sync/Reading/report'), 'utf8'), 'changed', 'its own place for it');

  t.match(await bob.cli(['leave', '/Sync/Reading']), { code: 0 });
  t.same(await readdir(join(bob.dir, 'Sync')), []);
  t.equal(await readFile(join(hers, 'report'), 'utf8'), 'changed', 'leaving removes nothing');
  t.match(await bob.cli(['leave', '/Sync']), { code: 2 });

  t.match(await ada.cli(['share', '/Sync/Team', '--with', 'bob@example.org']), { code: 0 });
  t.match(await bob.cli(['decline', 'Team']), { code: 0 });
  t.match(await bob.cli(['shares']), { code: 0, stdout: '' });
  t.match(await ada.cli(['share', '/Sync/Team', '--with', 'bob@example.org']), { code: 0 });
  t.match(await bob.cli(['accept', 'Team']), { code: 0 });
  t.match(await ada.cli(['revoke', '/Sync/Team']), { code: 2, stderr: /--from/ });
  t.match(await ada.cli(['revoke', '/Sync/Team', '--from', 'bob@example.org']), { code: 0 });
  await until(() => isGone(his));
  t.match(await ada.cli(['leave', '/Sync/Team', '--for-all']), { code: 0 });
  t.ok(await isGone(hers));
  t.match(await ada.cli(['trash']), { code: 0, stdout: /\/Team\// });
  t.match(await ada.cli(['trash', 'restore', '/Team']), { code: 0 });
  await until(() => holds(join(hers, 'given/new'), 'from bob'));
  t.match(await ada.cli(['shares']), { code: 0, stdout: '' });
});

async function dav(device: MountedDevice, method: string, path: string, body?: string) {
  const text = await readFile(join(device.data, 'access.json'), 'utf8');
  const { url, user, password } = (JSON.parse(text) as GatewayAccess).webdav;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const answer = await fetch(url + path, {
    method,
    headers: { authorization },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text() };
}

async function holds(path: string, content: string): Promise<boolean> {
  return await readFile(path, 'utf8').then(
    (text) => text === content,
    () => false,
  );
}

async function isGone(path: string): Promise<boolean> {
  return await stat(path).then(
    () => false,
    () => true,
  );
}

async function until(happens: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await happens()); tries++) {
    if (tries > 600) throw new Error('it did not happen');
    await sleep(50);
  }
}
