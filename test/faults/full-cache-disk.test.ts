import { randomBytes } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type DavAnswer, type DavBody, davAsk } from '../helpers/dav-ask.ts';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { canMount, smallDisk } from '../helpers/temporary.ts';

t.setTimeout(500_000);

const MIB = 1024 * 1024;
const DISK = 40 * MIB;

interface SetUp {
  readonly disk: string;
  readonly fjord: Fjord;
  readonly ask: (method: string, path: string, body?: DavBody) => Promise<DavAnswer>;
  /** The files that the drive has accepted. */
  readonly promised: Map<string, Buffer>;
  /** Puts a file, and records it if it was accepted. */
  readonly put: (path: string, body: Buffer) => Promise<number>;
}

async function setUp(t: Test): Promise<SetUp> {
  const disk = smallDisk(t, DISK);
  const env = { FJORD_CACHE_DIR: join(disk, 'cache'), FJORD_CACHE_MIN_FREE: '8 MiB' };
  const fjord = await startFjord(t, { env });
  const promised = new Map<string, Buffer>();
  const ask: SetUp['ask'] = (method, path, body) => davAsk(fjord, method, path, body);
  const put: SetUp['put'] = async (path, body) => {
    const { status } = await ask('PUT', path, { body });
    if (status < 300) promised.set(path, body);
    return status;
  };
  return { disk, fjord, ask, promised, put };
}

/** Checks that exactly the accepted files are there, byte for byte. */
async function intact(t: Test, { ask, promised }: SetUp): Promise<void> {
  let wrong = 0;
  for (const [path, body] of promised) {
    const answer = await ask('GET', path);
    if (answer.status !== 200 || !answer.bytes.equals(body)) t.comment(`${path}: ${answer.status}`, wrong++);
  }
  t.equal(wrong, 0, `${promised.size} accepted files are as they were sent`);
  const { text } = await ask('PROPFIND', 'Sync/', { headers: { depth: '1' } });
  const shown = [...text.matchAll(/<D:href>\/(Sync\/[^<]+)</g)].map(([, path]) => path);
  t.strictSame(new Set(shown), new Set(promised.keys()), 'nothing else is there');
}

async function arrived(t: Test, { fjord, promised }: SetUp): Promise<void> {
  const flushed = await fjord.cli('flush');
  t.equal(flushed.code, 0, flushed.stderr);
  const cloud = await fjord.cloudTree('Sync');
  t.strictSame(new Set([...cloud.keys()].map((path) => `Sync/${path}`)), new Set(promised.keys()));
  for (const [path, body] of promised) {
    const content = await cloud.get(path.slice('Sync/'.length))?.();
    if (content?.equals(body) !== true) t.fail(`${path} in the cloud`);
  }
}

t.test('a cache disk full of files that are not uploaded yet', { skip: !canMount, timeout: 300_000 }, async (t) => {
  const set = await setUp(t);
  const { fjord, ask, promised, put } = set;
  t.equal(await put('Sync/first', randomBytes(MIB)), 201);
  // Like a network that drops everything: requests get no response.
  process.kill(fjord.cloud.pid, 'SIGSTOP');
  let status = 201;
  for (let i = 0; status === 201 && i < DISK / MIB; i++) status = await put(`Sync/f${i}`, randomBytes(MIB));
  t.equal(status, 507);
  t.ok(promised.size > 15, `${promised.size} files of 1 MiB were accepted on a disk of 40 MiB`);
  const refused = await ask('PUT', 'Sync/big', { body: randomBytes(DISK) });
  t.equal(refused.status, 507);
  t.match(refused.text, /cache disk is full/);
  t.equal((await ask('PUT', 'Sync/f0', { body: randomBytes(2 * MIB) })).status, 507, 'one that exists');
  await intact(t, set);

  await t.test('it can be killed in this state, and continues after a restart', async (t) => {
    await fjord.killGateway();
    await fjord.gatewayBack();
    await intact(t, set);
    t.equal((await ask('PUT', 'Sync/big', { body: randomBytes(DISK) })).status, 507);
  });

  process.kill(fjord.cloud.pid, 'SIGCONT');
  await arrived(t, set);
  for (let i = 0; i < 30; i++) t.equal(await put(`Sync/later${i}`, randomBytes(MIB)), 201);
  await arrived(t, set);
  await intact(t, set);
});

t.test(
  'a cache disk that another program has filled to the last byte',
  { skip: !canMount, timeout: 300_000 },
  async (t) => {
    const set = await setUp(t);
    const { disk, fjord, ask, put } = set;
    for (let i = 0; i < 5; i++) t.equal(await put(`Sync/f${i}`, randomBytes(100_000)), 201);
    const filler = join(disk, 'filler');
    fill(filler);
    t.equal((await ask('MKCOL', 'Sync/folder')).status, 507);
    await intact(t, set);

    unlinkSync(filler);
    let status = 507;
    for (let i = 0; status === 507 && i < 50; i++) status = await put('Sync/after', randomBytes(MIB));
    t.equal(status, 201, 'once there is space it accepts changes again, without a restart');
    t.notMatch(fjord.output, /will be restarted/);
    await arrived(t, set);
  },
);

/** Uses up all space on a disk. */
function fill(path: string): void {
  const file = openSync(path, 'w');
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
