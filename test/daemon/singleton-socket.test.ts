import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { dataDir } from '../../src/daemon/data-dir.ts';
import { isListening, claim } from '../../src/daemon/singleton-socket.ts';
import { temporary } from '../helpers/temporary.ts';

t.test('a path can be claimed once at a time', async (t) => {
  const path = join(temporary(t), 'a.sock');
  t.equal(await isListening(path), false);
  const held = await claim(path, 'it is claimed');
  t.equal(await isListening(path), true);
  t.equal(statSync(path).mode & 0o777, 0o600);
  await t.rejects(claim(path, 'it is claimed'), { code: 'EBUSY', reason: 'it is claimed' });
  await held.release();
  await held.release();
  const again = await claim(path, 'it is claimed');
  await again.release();
});

t.test('the claim of a killed process is taken over', async (t) => {
  const path = join(temporary(t), 'a.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('listening'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  t.ok(existsSync(path), 'the socket file still exists');
  const held = await claim(path, 'it is claimed');
  t.equal(await isListening(path), true);
  await held.release();
});

t.test('a data folder with a long path has its sockets elsewhere, at the same place every time', async (t) => {
  const short = dataDir('/var/fjord');
  t.equal(short.controlSocket, '/var/fjord/control.sock');
  const long = dataDir(`/${'long/'.repeat(40)}`);
  t.ok(Buffer.byteLength(long.controlSocket) <= 103, long.controlSocket);
  t.equal(long.controlSocket, dataDir(`/${'long/'.repeat(40)}`).controlSocket);
  t.not(long.controlSocket, dataDir(`/${'long/'.repeat(41)}`).controlSocket);
  t.not(long.controlSocket, long.startSocket);
  const held = await claim(long.controlSocket, 'it is claimed');
  await held.release();
});
