import { randomBytes, randomInt } from 'node:crypto';
import { closeSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { canMount, smallDisk } from '../helpers/temporary.ts';

const MIB = 1024 * 1024;
const ROUNDS = 4;

t.setTimeout(500_000);

interface SetUp {
  readonly fjord: Fjord;
  readonly sync: string;
  readonly filler: string;
}

async function setUp(t: Test): Promise<SetUp> {
  const disk = smallDisk(t, 96 * MIB);
  const env = { FJORD_CACHE_DIR: join(disk, 'cache'), FJORD_CACHE_MIN_FREE: '16 MiB' };
  const fjord = await startFjord(t, { env, fuse: true });
  const { mount } = fjord.access;
  t.equal(typeof mount, 'string');
  return { fjord, sync: join(mount as string, 'Sync'), filler: join(disk, 'filler') };
}

/** Uses up all space on a disk. */
function fill(path: string): void {
  const file = openSync(path, 'a');
  try {
    for (let size = MIB; size > 0;) {
      try {
        writeSync(file, randomBytes(size));
      } catch {
        size >>= 1;
      }
    }
  } finally {
    closeSync(file);
  }
}

/** The acknowledged changes of a program: files with their bytes, folders with `undefined`. */
type Done = Map<string, Buffer | undefined>;

/** Creates files and folders until stopped. Changes may only be refused with ENOSPC. */
async function work(t: Test, sync: string, name: string, done: Done, signal: AbortSignal): Promise<number> {
  let refused = 0;
  for (let i = 0; !signal.aborted; i++) {
    const path = join(sync, `${name}-${i}`);
    const body = i % 3 === 0 ? undefined : randomBytes(randomInt(1, 60_000));
    try {
      await (body === undefined ? mkdir(path) : writeFile(path, body));
      done.set(path, body);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC') t.fail(`${path}: ${code}`);
      refused++;
      await sleep(20);
    }
  }
  return refused;
}

/** Checks that everything acknowledged is there, unchanged. */
async function intact(t: Test, done: Done): Promise<void> {
  for (const [path, body] of done) {
    try {
      const same = body === undefined ? (await stat(path)).isDirectory() : body.equals(await readFile(path));
      if (!same) t.fail(`${path} is not what it was`);
    } catch (error) {
      t.fail(`${path}: ${String(error)}`);
    }
  }
}

t.test('another program fills the cache disk at any moment', { skip: !canMount, timeout: 400_000 }, async (t) => {
  const { fjord, sync, filler } = await setUp(t);
  const { pid } = fjord.access.gateway;
  const done: Done = new Map();
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const stop = new AbortController();
    const working = [0, 1].map((lane) => work(t, sync, `${round}-${lane}`, done, stop.signal));
    await sleep(randomInt(50, 1500));
    fill(filler);
    await sleep(randomInt(200, 1500));
    fill(filler);
    await sleep(500);
    t.ok((await readdir(sync)).length > 0, 'a folder can be listed');
    rmSync(filler);
    await sleep(1500);
    stop.abort();
    refused += (await Promise.all(working)).reduce((sum, count) => sum + count, 0);
    const after = join(sync, `after-${round}`);
    const body = randomBytes(100_000);
    await writeFile(after, body);
    done.set(after, body);
    await intact(t, done);
  }
  t.ok(refused > 0, `${refused} changes were refused, ${done.size} done`);
  const { gateway } = fjord.access;
  t.equal(gateway.pid, pid);
  process.kill(pid, 0);
  t.notMatch(fjord.output, /will be restarted/, 'all by the same process');
  const flushed = await fjord.cli('flush');
  t.equal(flushed.code, 0, flushed.stderr);
  await fjord.killGateway();
  await fjord.gatewayBack();
  for (let i = 0; i < 100 && statSync(sync, { throwIfNoEntry: false }) === undefined; i++) await sleep(100);
  await intact(t, done);
  const cloud = await fjord.cloudTree('Sync');
  for (const [path, body] of done) {
    const content = await cloud.get(path.slice(sync.length + 1))?.();
    if (body !== undefined && content?.equals(body) !== true) t.fail(`${path} in the cloud`);
  }
});
