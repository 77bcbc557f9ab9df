import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { v7 as newId } from 'uuid';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import type { Intent } from '../../src/cloud/records.ts';
import { dataDir } from '../../src/daemon/data-dir.ts';
import { readDevice } from '../../src/daemon/secrets.ts';
import { background } from '../../src/vfs/context.ts';
import { startFjord, type Fjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(400_000);

t.test('`backup verify` tells changes since the last run from damage', async (t) => {
  const fjord = await startFjord(t);
  const source = join(temporary(t), 'source');
  mkdirSync(join(source, 'folder'), { recursive: true });
  const random = (name: string, size = 80_000) => writeFileSync(join(source, name), randomBytes(size));
  for (const name of ['same', 'changed', 'gone', 'damaged', 'folder/inner']) random(name);
  random('large', 3_000_000);
  writeFileSync(join(source, 'left.tmp'), 'left out');
  await fjord.cli('backup', 'add', source, '--name', 'set', '--schedule', 'manual', '--exclude', '*.tmp');
  const verify = (...more: string[]) => fjord.cli('backup', 'verify', 'set', ...more);
  t.match(await verify(), { code: 4, stderr: /set has no mirror yet/ });
  t.equal((await fjord.cli('backup', 'run', '--wait')).code, 0);
  t.match((await fjord.cli('backup', 'list')).stdout, / not verified yet /);
  t.match(await verify('--read', '100%'), { code: 0, stdout: '', stderr: /compared 6 files, and 3\.2 MiB of content/ });
  t.match((await fjord.cli('backup', 'list')).stdout, / verified 20\d\d-\d\d-\d\d \d\d:\d\d /);

  await changeInCloud(fjord, 'same', { mode: 0o601, posix: { v: 1, uid: 4242, gid: 0 } });
  await changeInCloud(fjord, 'folder', { xattrs: { 'user.x': 'eA==' } });
  const attributes = await verify();
  t.match(attributes, { code: 0, stderr: /2 differences from changes/ });
  t.match(
    attributes.stdout,
    /^changed {2}same {2}different: .*other attributes of it since: mode, times, owner or group$/m,
  );
  t.match(attributes.stdout, /^changed {2}folder {2}different: .*other attributes of it since: extended attributes$/m);
  t.equal((await fjord.cli('backup', 'run', '--wait')).code, 0);
  t.match(await verify(), { stderr: /2 differences from changes/ }, 'a run leaves them alone');
  t.equal((await fjord.cli('backup', 'run', '--wait', '--repair')).code, 0);
  t.match(await verify(), { code: 0, stdout: '' });

  appendFileSync(join(source, 'changed'), 'more');
  rmSync(join(source, 'gone'));
  random('new');
  const harmless = await verify('--read', '100');
  t.match(harmless, { code: 0, stderr: /3 differences from changes since the last run/ });
  t.same(harmless.stdout.trim().split('\n').toSorted(), [
    'changed  changed  different: it was written here since the last run',
    'changed  gone  only in the cloud: it was removed here since the last run',
    'changed  new  only in the folder: it is new since the last run, or could not be taken',
  ]);

  for (const name of ['damaged', 'large']) damage(join(fjord.data, 'cloud'), join(source, name));
  t.equal((await verify('--read', '0')).code, 0, 'without reading content nothing is seen of it');
  const damaged = await verify('--read', '100');
  t.match(damaged, { code: 8, stderr: /2 files or folders damaged/ });
  t.match(damaged.stdout, /^DAMAGE  damaged  unreadable: in the cloud: .*damaged/m);
  t.match(damaged.stdout, /^DAMAGE  large  unreadable: in the cloud: .*damaged/m);
  t.match((await fjord.cli('backup', 'status')).stdout, /verified .* \(2 damaged\)/);
  t.match(JSON.parse((await fjord.cli('backup', 'list', '--json')).stdout), [{ verified: { damaged: 2 } }]);
  t.equal(
    (await fjord.cli('backup', 'run', '--wait')).code,
    0,
    'what is damaged is uploaded again, though nothing has changed',
  );
  t.match(await verify('--read', '100'), { code: 0, stdout: '' });
  t.notMatch((await fjord.cli('backup', 'status')).stdout, /damaged/);
  await fjord.stop();
  await fjord.start();
  t.match((await fjord.cli('backup', 'status')).stdout, /verified 20/, 'it is remembered');
  t.match(await verify('--read', 'all'), { code: 2, stderr: /no percentage/ });
  t.match(await fjord.cli('backup', 'verify', 'other'), { code: 4, stderr: /no set "other"/ });
});

/** Changes attributes of a node of the mirror by the cloud's API, with the rights of its computer. */
async function changeInCloud(fjord: Fjord, name: string, attributes: object): Promise<void> {
  const device = await readDevice(dataDir(fjord.data).device);
  if (device === undefined) throw new Error('there is no device');
  const remote = new HttpRemote(device);
  try {
    const space = (await remote.spaces(background)).find(({ kind }) => kind === 'backup');
    if (space === undefined) throw new Error('there is no backup');
    for await (const item of remote.snapshot(space.id, background)) {
      if (!('id' in item) || item.name !== name) continue;
      const intent: Intent = { op: 'attr', id: newId(), space: space.id, node: item.id, ...attributes };
      const [result] = await remote.commit([intent], background);
      if (result?.status !== 'done') throw new Error(JSON.stringify(result));
    }
  } finally {
    await remote.close();
  }
}

/** Turns a byte of a file's first block in the cloud's block files. */
function damage(cloud: string, file: string): void {
  const digest = createHash('sha256')
    .update(readFileSync(file).subarray(0, 2 ** 20))
    .digest('hex');
  const block = execFileSync('find', [cloud, '-name', digest], { encoding: 'utf8' }).trim();
  const bytes = readFileSync(block);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  const { atime, mtime } = statSync(block);
  writeFileSync(block, bytes);
  utimesSync(block, atime, mtime);
}
