import { readdirSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { HttpRemote } from '../../../src/cloud/http/http-remote.ts';
import type { NodeRecord } from '../../../src/cloud/records.ts';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import type { ScrubReport } from '../../../src/cloud/server/scrub.ts';
import { background } from '../../../src/vfs/context.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud, type TestCloud } from '../../helpers/cloud.ts';
import { contentOf, noise, put } from '../../helpers/intents.ts';

t.setTimeout(500_000);

interface Rig extends TestCloud {
  readonly api: Api;
  readonly file: NodeRecord;
  readonly bytes: Buffer;
}

/** A cloud with one file. */
async function rig(t: Test, size: number, quota?: number): Promise<Rig> {
  const cloud = await startTestCloud(t, quota === undefined ? {} : { quota });
  const api = new Api(cloud.url, await cloud.login());
  const bytes = noise(size);
  const file = await api.store(await api.space('sync'), 'f', bytes);
  return { ...cloud, api, file, bytes };
}

/** The files with the blocks of a content, in order. */
function blockFiles({ data }: Rig, bytes: Uint8Array): string[] {
  const top = join(data, 'blocks');
  const all = readdirSync(top, { recursive: true, encoding: 'utf8' });
  return contentOf(bytes).blocks.map(({ digest }) => join(top, all.find((path) => path.endsWith(digest)) ?? ''));
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  'a flipped bit': (path) => flip(path, 12_345),
  'a truncated file': (path) => truncateSync(path, 99_999),
  'an empty file': (path) => truncateSync(path, 0),
  'a deleted file': unlinkSync,
  'a file of other bytes': (path) => writeFileSync(path, noise(2 * BLOCK_SIZE)),
};

interface Got {
  readonly status: number;
  readonly bytes: Buffer;
  readonly complete: boolean;
}

/** Everything that a client receives, even if the connection breaks. */
async function get({ url, api, file }: Rig, headers: Record<string, string> = {}): Promise<Got> {
  return await new Promise((resolve, reject) => {
    const ask = request(`${url}/v1/versions/${file.version}/content`, {
      headers: { authorization: `Bearer ${api.token}`, ...headers },
    });
    ask.on('error', reject);
    ask.on('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      const end = (): void =>
        resolve({ status: answer.statusCode ?? 0, bytes: Buffer.concat(chunks), complete: answer.complete });
      answer.on('error', end);
      answer.on('end', end);
    });
    ask.end();
  });
}

async function missing({ api }: Rig, bytes: Uint8Array): Promise<string> {
  const digests = contentOf(bytes).digests.toString('base64');
  return (await api.call('POST', '/v1/blocks/missing', { digests })).body.missing;
}

function digestsAt(bytes: Uint8Array, ...indices: number[]): string {
  const { digests } = contentOf(bytes);
  return Buffer.concat(indices.map((index) => digests.subarray(index * 32, (index + 1) * 32))).toString('base64');
}

for (const [name, damage] of Object.entries(DAMAGES)) {
  t.test(`${name} is never sent, is requested again, and healed`, async (t) => {
    const cloud = await rig(t, 4 * BLOCK_SIZE + 100_000);
    const { api, file, bytes } = cloud;
    damage(blockFiles(cloud, bytes)[2] ?? '');
    const whole = await get(cloud);
    t.equal(whole.complete, false, 'the connection breaks');
    t.equal(whole.bytes.equals(bytes.subarray(0, whole.bytes.length)), true, 'what came before it is right');
    t.equal(await missing(cloud, bytes), digestsAt(bytes, 2));

    const inside = await get(cloud, { range: `bytes=${2 * BLOCK_SIZE + 5}-${2 * BLOCK_SIZE + 9}` });
    t.equal(inside.status, 500);
    t.match(JSON.parse(inside.bytes.toString()), { code: 'damaged' });
    const before = await get(cloud, { range: `bytes=5-${2 * BLOCK_SIZE - 1}` });
    t.equal(before.bytes.equals(bytes.subarray(5, 2 * BLOCK_SIZE)), true, 'ranges beside it are served');
    const after = await get(cloud, { range: `bytes=${3 * BLOCK_SIZE}-` });
    t.equal(after.bytes.equals(bytes.subarray(3 * BLOCK_SIZE)), true);

    const place = { parent: file.parent, space: file.space };
    const again = put({ ...place, name: 'g' }, contentOf(bytes).wire);
    t.equal(await api.refused(again), 'blocks_missing', 'no new version counts on it');
    const copy = put({ ...place, name: 'copy' }, { from: file.version ?? '' });
    t.equal((await api.done(copy)).size, bytes.length, 'a copy is as damaged');
    t.match(await api.upload(bytes.subarray(2 * BLOCK_SIZE, 3 * BLOCK_SIZE)), { status: 200 });
    t.equal(await missing(cloud, bytes), '');
    t.equal((await get(cloud)).bytes.equals(bytes), true);
    t.equal((await api.content(copy.version)).equals(bytes), true, 'and healed with it');
    t.equal((await api.done(again)).size, bytes.length);
    t.match((await api.call('GET', '/v1/usage')).body, { used: bytes.length });
  });
}

t.test('an upload heals a block that was not read since it was damaged, even if the quota is used up', async (t) => {
  const cloud = await rig(t, BLOCK_SIZE + 70_000, BLOCK_SIZE + 70_000);
  const { api, bytes } = cloud;
  for (const path of blockFiles(cloud, bytes)) flip(path, 0);
  t.match(await api.upload(bytes), { status: 200 });
  t.equal((await get(cloud)).bytes.equals(bytes), true);
});

t.test('a heal that fails leaves the block damaged, for the next one', async (t) => {
  const cloud = await rig(t, BLOCK_SIZE);
  const { api, bytes } = cloud;
  const [path = ''] = blockFiles(cloud, bytes);
  flip(path, 0);
  t.equal((await get(cloud)).status, 500);
  // A folder in the place of the file makes the write fail.
  rmSync(join(path, '..'), { recursive: true });
  writeFileSync(join(path, '..'), '');
  t.match(await api.upload(bytes), { status: 500 });
  t.equal(await missing(cloud, bytes), digestsAt(bytes, 0));
  await cloud.cloud.housekeep();
  rmSync(join(path, '..'));
  t.equal((await get(cloud)).status, 500);
  t.match(await api.upload(bytes), { status: 200 });
  t.equal((await get(cloud)).bytes.equals(bytes), true);
});

t.test('a gateway gets EIO at once, after the blocks before the damaged one', async (t) => {
  const cloud = await rig(t, 4 * BLOCK_SIZE);
  const { bytes, file } = cloud;
  flip(blockFiles(cloud, bytes)[2] ?? '', 7);
  const remote = new HttpRemote({ url: cloud.url, token: cloud.api.token });
  t.teardown(async () => remote.close());
  const got: number[] = [];
  const requests = [0, 1, 2, 3].map((index) => ({ version: file.version ?? '', index }));
  const read = async (): Promise<void> => {
    for await (const { index } of remote.read(requests, background)) got.push(index);
  };
  await t.rejects(read(), { code: 'EIO', reason: /damaged/ });
  t.same(got, [0, 1]);
});

for (const [name, damage] of Object.entries(DAMAGES)) {
  t.test(`a gateway that verifies blocks itself makes the cloud notice ${name}`, async (t) => {
    const cloud = await rig(t, 2 * BLOCK_SIZE + 100_000);
    const { api, bytes, file } = cloud;
    const paths = blockFiles(cloud, bytes);
    const remote = new HttpRemote({ url: cloud.url, token: api.token });
    t.teardown(async () => remote.close());
    const read = async (index: number, length: number | undefined, context = background): Promise<Uint8Array[]> => {
      const found: Uint8Array[] = [];
      const request = { version: file.version ?? '', index, ...(length === undefined ? {} : { length }) };
      for await (const { data } of remote.read([request], context)) found.push(data);
      return found;
    };
    // Received on the calling thread, on the thread for large blocks, and where nothing is tried twice.
    const ways = [
      { index: 0, length: undefined, context: background },
      { index: 1, length: BLOCK_SIZE, context: background },
      { index: 2, length: 100_000, context: { ...background, once: true } },
    ];
    for (const { index, length, context } of ways) {
      damage(paths[index] ?? '');
      await t.rejects(read(index, length, context), { code: 'EIO', reason: /damaged/ });
      t.equal(await missing(cloud, bytes), digestsAt(bytes, index));
      const right = bytes.subarray(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE);
      t.match(await api.upload(right), { status: 200 });
      t.equal(Buffer.concat(await read(index, length)).equals(right), true);
    }
  });
}

t.test('only a caller that says that it verifies blocks receives them unverified', async (t) => {
  const cloud = await rig(t, 100_000);
  const { api, bytes, file } = cloud;
  flip(blockFiles(cloud, bytes)[0] ?? '', 7);
  const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' };
  const ask = async (more: object) => {
    const body = JSON.stringify({ blocks: [{ version: file.version, index: 0 }], ...more });
    return await fetch(`${cloud.url}/v1/blocks/read`, { method: 'POST', headers, body });
  };
  const sent = await ask({ verifies: true });
  t.match([sent.status, (await sent.arrayBuffer()).byteLength], [200, 36 + bytes.length]);
  t.equal(await missing(cloud, bytes), '', 'nothing has been noticed');
  for (const more of [{ verifies: false }, {}]) {
    const refused = await ask(more);
    t.match([refused.status, await refused.json()], [500, { code: 'damaged' }]);
  }
  t.equal(await missing(cloud, bytes), digestsAt(bytes, 0));
});

t.test('a scrub names the affected files, and corrects wrong records', async (t) => {
  const cloud = await rig(t, 3 * BLOCK_SIZE);
  const { api, bytes, file } = cloud;
  const sync = await api.space('sync');
  await api.store(sync, 'other', noise(100_000));
  const scrub = async (repair: boolean): Promise<ScrubReport[]> => {
    const reports: ScrubReport[] = [];
    for await (const report of cloud.cloud.verify({ repair, signal: background.signal })) reports.push(report);
    return reports;
  };
  t.same((await scrub(false)).at(-1), { checked: 4, damaged: 0 });
  const [first = '', second = ''] = blockFiles(cloud, bytes);
  const kept = readFileSync(first);
  flip(first, 3);
  unlinkSync(second);
  const found = await scrub(false);
  t.match(found.at(-1), { checked: 4, damaged: 2 });
  const named = found.filter((report) => 'file' in report);
  t.match(named, [{ file: { account: cloud.email, space: 'sync', path: '/f', version: file.version, blocks: 2 } }]);
  t.equal(named.length, 1);
  t.equal(await missing(cloud, bytes), '', 'without repair it changes nothing');
  await scrub(true);
  t.equal(await missing(cloud, bytes), digestsAt(bytes, 0, 1));
  writeFileSync(first, kept);
  await scrub(true);
  t.equal(await missing(cloud, bytes), digestsAt(bytes, 1), 'what came back is stored again');
});
