import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { becomes, comesTo, controls, stateOf } from '../helpers/backups.ts';
import { FaultyDisk } from '../helpers/faulty-disk.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { startFjord, type Fjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(300_000);

/** More sets on the disk than libuv has threads. */
const SETS = Array.from({ length: 18 }, (_, i) => `set ${i}`);

async function put(fjord: Fjord, path: string, text: string): Promise<number> {
  const { url, user, password } = fjord.webdav;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const signal = AbortSignal.timeout(60_000);
  return (await fetch(`${url}${path}`, { method: 'PUT', headers: { authorization }, body: text, signal })).status;
}

t.test('a disk that hangs', { skip: withoutFuse() }, async (t) => {
  const disk = await FaultyDisk.mount(t);
  const healthy = temporary(t);
  writeFileSync(join(healthy, 'first'), '1');
  const fjord = await startFjord(t);
  for (const name of SETS) {
    mkdirSync(join(disk.below, name));
    writeFileSync(join(disk.below, name, 'file'), name);
    await controls(fjord, (client) => client.addBackup({ folder: join(disk.dir, name), schedule: 'manual' }));
  }
  await fjord.cli('backup', 'add', healthy, '--name', 'healthy');
  for (const name of SETS.slice(0, 2)) t.equal((await fjord.cli('backup', 'run', '--wait', name)).code, 0);
  await comesTo(fjord, 'healthy', 'watching');

  for (const name of SETS) writeFileSync(join(disk.below, name, 'new'), `new ${name}`);
  disk.hang();
  for (const name of SETS) await controls(fjord, (client) => client.startBackup({ name, confirm: false }));

  await t.test('keeps nothing else waiting', async (t) => {
    writeFileSync(join(healthy, 'second'), '2');
    t.match(await becomes(fjord, 'healthy', { first: '1', second: '2' }), { second: '2' });
    t.equal(await put(fjord, 'Sync/note', 'a note'), 201);
    t.equal((await fjord.cli('flush')).code, 0);
    t.equal((await fjord.cli('backup', 'add', temporary(t), '--name', 'another')).code, 0);
    await comesTo(fjord, 'another', 'watching');
    t.equal((await fjord.cli('backup', 'pause', 'set 1')).code, 0);
    t.match(await comesTo(fjord, 'set 1', 'paused'), { doing: 'paused' });
    t.equal((await fjord.cli('backup', 'resume', 'set 1')).code, 0);
  });

  await t.test('is what its sets say that they wait for', async (t) => {
    for (const until = Date.now() + 60_000; Date.now() < until; await sleep(500)) {
      const { doing, ...state } = await stateOf(fjord, 'set 0');
      if (doing === 'running' && 'silent' in state) break;
    }
    const { code, stdout } = await fjord.cli('status');
    t.match({ code, stdout }, { code: 0, stdout: /set 0.*its disk has not answered for \d+ s/ });
  });

  await t.test('lets them go on when it answers', async (t) => {
    disk.answer();
    for (const name of SETS) {
      if (name === 'set 1') continue;
      await comesTo(fjord, name, 'waiting');
      t.same(await becomes(fjord, name, { file: name, new: `new ${name}` }), { file: name, new: `new ${name}` });
    }
  });

  await t.test('does not keep Fjord from ending, also while threads wait for it in the kernel for good', async (t) => {
    disk.faults = { hang: SETS };
    for (const name of SETS) await controls(fjord, (client) => client.startBackup({ name, confirm: false }));
    await sleep(1000);
    // What a server has read and does not answer cannot be interrupted, not even by SIGKILL.
    disk.hang();
    const down = fjord.cli('down');
    t.match(await Promise.race([down, sleep(90_000, 'it does not')]), { code: 0 });
    disk.faults = {};
    disk.answer();
  });
});

t.test('a disk that hangs while it is verified holds up the verification alone', { skip: withoutFuse() }, async (t) => {
  const disk = await FaultyDisk.mount(t);
  for (const name of ['a', 'b', 'c']) {
    mkdirSync(join(disk.below, 'set', name), { recursive: true });
    writeFileSync(join(disk.below, 'set', name, 'file'), name);
  }
  const fjord = await startFjord(t);
  await fjord.cli('backup', 'add', join(disk.dir, 'set'), '--schedule', 'manual');
  t.equal((await fjord.cli('backup', 'run', '--wait')).code, 0);
  disk.faults = { hang: ['set/b'] };
  const verifying = fjord.cli('backup', 'verify', 'set', '--read', '100');
  await sleep(3000);
  t.equal(await put(fjord, 'Sync/note', 'a note'), 201);
  t.equal((await fjord.cli('status')).code, 0);
  disk.faults = {};
  t.match(await verifying, { code: 0, stdout: '' }, 'it goes on when the disk answers');
});
