import t from 'tap';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import type { NodeRecord } from '../../../src/cloud/records.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { contentOf, noise, put, remove } from '../../helpers/intents.ts';

const HOUR = 60 * 60 * 1000;

t.setTimeout(500_000);

async function missing(api: Api, ...contents: Uint8Array[]): Promise<number> {
  const digests = Buffer.concat(contents.map((bytes) => contentOf(bytes).digests)).toString('base64');
  const { body } = await api.call('POST', '/v1/blocks/missing', { digests });
  return Buffer.from(body.missing, 'base64').length / 32;
}

t.test('an unreferenced block is kept for the grace period after the last request about it', async (t) => {
  let time = Date.now();
  const { url, login, cloud } = await startTestCloud(t, { now: () => time });
  const api = new Api(url, await login());
  const [asked, forgotten, used] = [noise(10), noise(20), noise(30)];
  for (const bytes of [asked, forgotten]) await api.upload(bytes);
  const file = await api.store(await api.space('sync'), 'f', used);
  time += 23 * HOUR;
  t.equal(await missing(api, asked), 0);
  time += 2 * HOUR;
  await cloud.housekeep();
  t.equal(await missing(api, forgotten), 1);
  t.equal(await missing(api, asked, used), 0);
  time += 25 * HOUR;
  await cloud.housekeep();
  t.equal(await missing(api, asked), 1);
  t.equal((await api.content(file.version ?? '')).equals(used), true, 'a block in a version stays');
  await api.upload(forgotten);
  t.equal(await missing(api, forgotten), 0, 'a collected block can be uploaded again');
});

t.test('blocks of dropped versions become collectable', async (t) => {
  const { url, login, cloud } = await startTestCloud(t, { gcGrace: 0 });
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const contents = Array.from({ length: 7 }, (_, index) => noise(100 + index));
  let node: NodeRecord | undefined;
  for (const bytes of contents) {
    node = await api.store(sync, 'f', bytes, node === undefined ? {} : { node: node.id, base: node.version });
  }
  await cloud.housekeep();
  const lost = await Promise.all(contents.map(async (bytes) => missing(api, bytes)));
  t.equal(
    lost.reduce((sum, one) => sum + one, 0),
    2,
  );
  t.equal(lost.at(-1), 0);
  const used = lost.reduce((sum, one, index) => (one === 0 ? sum + 100 + index : sum), 0);
  t.match((await api.call('GET', '/v1/usage')).body, { used });
});

t.test('large amounts of unreferenced blocks are removed soon, the oldest first', async (t) => {
  let time = Date.now();
  const { url, login, cloud } = await startTestCloud(t, { now: () => time, gcSpare: 250 });
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const contents = Array.from({ length: 8 }, () => noise(100));
  let node: NodeRecord | undefined;
  for (const bytes of contents) {
    time += 60_000;
    node = await api.store(sync, 'f', bytes, node === undefined ? {} : { node: node.id, base: node.version });
  }
  await discard(api, await api.store(sync, 'g', noise(10)));
  const lost = new Api(url, await login());
  await lost.upload(noise(5000));
  time += 60_000;
  await cloud.housekeep();
  t.equal(await missing(api, ...contents), 1, 'three of a hundred bytes were thinned out');
  await cloud.housekeep();
  t.equal(await missing(api, ...contents), 1, 'a requested block is protected');
});

t.test('an upload that was told that a block is stored finds it, however much is removed meanwhile', async (t) => {
  for (const how of ['asked', 'asked by both', 'copied meanwhile', 'stored again'] as const) {
    let time = Date.now();
    const { url, login, cloud } = await startTestCloud(t, { now: () => time, gcSpare: 0 });
    const [api, other] = [new Api(url, await login()), new Api(url, await login('desktop'))];
    const sync = await api.space('sync');
    const bytes = noise(100);
    const first = await api.store(sync, 'first', bytes);
    // A long upload is told that the block is there.
    if (how === 'stored again') await api.upload(bytes);
    else t.equal(await missing(api, bytes), 0);
    if (how === 'asked by both') await other.store(sync, 'second', bytes);
    const copy = { from: first.version ?? '' };
    if (how === 'copied meanwhile') {
      await discard(api, await api.done(put({ space: sync.id, parent: sync.root, name: 'copy' }, copy)));
    }
    const lines: Partial<NodeRecord>[] = (await api.call('GET', `/v1/spaces/${sync.id}/snapshot`)).body;
    for (const line of lines) if (line.kind === 'file') await discard(api, line as NodeRecord);
    time += HOUR;
    await cloud.housekeep();
    const intent = put({ space: sync.id, parent: sync.root, name: 'late' }, contentOf(bytes).wire);
    const node = await api.done(intent);
    t.equal((await api.content(node.version ?? '')).equals(bytes), true, how);
    await discard(api, node);
    if (how !== 'asked' && how !== 'copied meanwhile') continue;
    await cloud.housekeep();
    t.equal(await missing(api, bytes), 1, 'no upload counts on it any more');
  }
});

t.test('collecting without a grace period during uploads and commits never removes a needed block', async (t) => {
  const { url, login, cloud } = await startTestCloud(t, { gcGrace: 0 });
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const blocks = Array.from({ length: 6 }, () => noise(BLOCK_SIZE));
  const done = new AbortController();
  const collect = async () => {
    while (!done.signal.aborted) {
      await cloud.housekeep();
      // Without any pause no upload would ever be committed.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
    }
  };
  const kept: [NodeRecord, Buffer][] = [];
  let retries = 0;
  // Each writer commits files of shared blocks and permanently deletes some, so that references change all the time.
  const write = async (writer: number) => {
    for (let round = 0; round < 12; round += 1) {
      const bytes = Buffer.concat([0, 1].map((offset) => blocks[(round + offset + writer) % blocks.length] as Buffer));
      const intent = put({ space: sync.id, parent: sync.root, name: `${writer}-${round}` }, contentOf(bytes).wire);
      for (;;) {
        if ((await missing(api, bytes)) > 0) await api.upload(bytes);
        const [result] = await api.commit(intent);
        if (result?.status === 'done') {
          if (round % 3 === 0) kept.push([result.node, bytes]);
          else await discard(api, result.node);
          break;
        }
        if (result?.code !== 'blocks_missing') throw new Error(JSON.stringify(result));
        retries += 1;
      }
    }
  };
  const collecting = Promise.all([collect(), collect()]);
  try {
    await Promise.all([0, 1, 2].map(write));
  } finally {
    done.abort();
    await collecting;
  }
  for (const [node, bytes] of kept) {
    if (!(await api.content(node.version ?? '')).equals(bytes)) t.fail(`${node.name} is damaged`);
  }
  t.equal(kept.length, 12);
  t.comment(`${retries} commits were told to upload again`);
  for (const [node] of kept) await discard(api, node);
  await cloud.housekeep();
  t.equal(await missing(api, ...blocks), blocks.length, 'in the end nothing is left');
  t.match((await api.call('GET', '/v1/usage')).body, { used: 0, trash: 0, files: 0 });
});

async function discard(api: Api, node: NodeRecord): Promise<void> {
  await api.done(remove(node.space, node.id, node.version, 0));
  const { status } = await api.call('DELETE', `/v1/trash/${node.id}`);
  if (status !== 204) throw new Error(`purge: ${status}`);
}
