import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { BlockSource } from '../../../src/cache/content/content.ts';
import { CloudBlocks } from '../../../src/mounts/sync/cloud-blocks.ts';
import { Outage } from '../../../src/mounts/sync/outage.ts';
import { background as context, type Context } from '../../../src/vfs/context.ts';
import { FsError } from '../../../src/vfs/fs-error.ts';

/** A cloud whose calls take a time and then fail or not. */
class Cloud {
  time = 0;
  calls = 0;
  mode: 'works' | 'refuses' | 'is silent' = 'works';
  /** Of a call that fails, with its retries and without, ms. */
  readonly #timeout = 1500;
  readonly #refusal = 2;
  readonly #probe = 2000;

  manifest = async (_version: string, { signal, once }: Context): Promise<Uint8Array> => {
    this.calls++;
    if (this.mode === 'is silent') {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      this.time += this.#probe;
      throw new FsError('EINTR', 'read');
    }
    if (this.mode === 'works') return new Uint8Array(0);
    this.time += once === true ? this.#refusal : this.#timeout;
    throw new FsError('EAGAIN', 'read', { reason: 'connection refused' });
  };

  async *read(_requests: unknown, context: Context): ReturnType<BlockSource['blocks']> {
    await this.manifest('', context);
    yield { version: 'v', index: 0, digest: '', data: new Uint8Array(0) };
  }
}

const start = (): { cloud: Cloud; outage: Outage; blocks: CloudBlocks } => {
  const cloud = new Cloud();
  const now = (): number => cloud.time;
  const outage = new Outage(now);
  return { cloud, outage, blocks: new CloudBlocks({ remote: cloud, outage, now }) };
};

const refused = { code: 'EAGAIN', reason: 'connection refused' };

t.test('a program that reads on after errors waits a few times, not for each read', async (t) => {
  const { cloud, blocks } = start();
  cloud.mode = 'refuses';
  for (let reads = 0; reads < 80; reads++) await t.rejects(blocks.manifest('v', context), refused);
  t.ok(cloud.time < 6000, `${cloud.time} ms`);
});

t.test('the first read after the cloud is back succeeds', async (t) => {
  const { cloud, blocks } = start();
  cloud.mode = 'refuses';
  for (let reads = 0; reads < 80; reads++) await t.rejects(blocks.manifest('v', context), refused);
  cloud.mode = 'works';
  cloud.time += 2;
  const got = [];
  for await (const block of blocks.blocks([], context)) got.push(block.index);
  t.same(got, [0]);
  await blocks.manifest('v', context);
});

t.test('what the follower knows counts, in both directions', async (t) => {
  const { cloud, outage, blocks } = start();
  outage.failed(new FsError('EAGAIN', 'push', { reason: 'connection refused' }));
  cloud.mode = 'is silent';
  cloud.time += 3000;
  const before = performance.now();
  await t.rejects(blocks.manifest('v', context), refused, 'the first one looks for itself, and gives up soon');
  t.ok(performance.now() - before < 4000);
  await t.rejects(blocks.manifest('v', context), refused);
  t.equal(cloud.calls, 1, 'the second one does not');
  outage.worked();
  cloud.mode = 'works';
  await blocks.manifest('v', context);
});

t.test('a call that looks whether the cloud is back goes on if another one has found that it is', async (t) => {
  const { cloud, outage } = start();
  let answer = (): void => undefined;
  const slow = {
    read: cloud.read.bind(cloud),
    manifest: (_version: string, { signal }: Context) =>
      new Promise<Uint8Array>((resolve, reject) => {
        answer = () => resolve(new Uint8Array(3));
        signal.addEventListener('abort', () => reject(new FsError('EINTR', 'read')), { once: true });
      }),
  };
  const blocks = new CloudBlocks({ remote: slow, outage, now: () => cloud.time });
  outage.failed(new FsError('EAGAIN', 'push'));
  cloud.time += 3000;
  const call = blocks.manifest('v', context);
  outage.worked();
  await sleep(2500);
  answer();
  t.equal((await call).length, 3);
});

t.test('a short failure is waited out', async (t) => {
  const { cloud, outage, blocks } = start();
  outage.failed(new FsError('EAGAIN', 'push'));
  cloud.time += 2900;
  await blocks.manifest('v', context);
  t.equal(cloud.calls, 1);
  outage.failed(new FsError('EACCES', 'push', { reason: 'the token was revoked' }));
  cloud.time += 10_000;
  await blocks.manifest('v', context);
  t.equal(cloud.calls, 2, 'other failures are not of the connection');
});
