import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { davAsk } from '../helpers/dav-ask.ts';
import { startFjord } from '../helpers/gateway-process.ts';

t.setTimeout(500_000);

const MIB = 1024 * 1024;

t.test('changed bytes on the cache disk are detected and fetched again', { timeout: 300_000 }, async (t) => {
  const fjord = await startFjord(t);
  const files = new Map([
    ['Sync/small', randomBytes(1000)],
    ['Sync/one block', randomBytes(MIB)],
    ['Sync/some blocks', randomBytes(3 * MIB + 12_345)],
  ]);
  const path = encodeURI;
  for (const [name, body] of files) t.equal((await davAsk(fjord, 'PUT', path(name), { body })).status, 201);
  const { code, stderr } = await fjord.cli('flush');
  t.equal(code, 0, stderr);
  for (const [name, body] of files) t.ok((await davAsk(fjord, 'GET', path(name))).bytes.equals(body), name);
  t.equal(await fjord.stop(), 0);

  const store = join(fjord.data, 'gateway/store');
  const cached = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  t.equal(cached.length, files.size, 'every file is cached');
  for (const { parentPath, name } of cached) spoil(join(parentPath, name));

  await fjord.start();
  for (const [name, body] of files) {
    const { status, bytes } = await davAsk(fjord, 'GET', path(name));
    t.ok(status === 200 && bytes.equals(body), `${name} is right: ${status}`);
  }
  const part = await davAsk(fjord, 'GET', path('Sync/some blocks'), {
    headers: { range: `bytes=${MIB - 5}-${MIB + 4}` },
  });
  t.ok(part.bytes.equals(files.get('Sync/some blocks')?.subarray(MIB - 5, MIB + 5) ?? Buffer.alloc(0)));
});

/** Flips one byte in every half MiB, without changing the size. */
function spoil(path: string): void {
  const file = openSync(path, 'r+');
  const { size } = fstatSync(file);
  const byte = Buffer.alloc(1);
  for (let at = Math.min(500, size - 1); at < size; at += MIB / 2) {
    readSync(file, byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 0xff;
    writeSync(file, byte, 0, 1, at);
  }
  closeSync(file);
}
