import { createHash } from 'node:crypto';
import t from 'tap';
import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES } from '../../src/cloud/limits.ts';
import type { UploadBlock } from '../../src/cloud/remote.ts';
import { BlockSender, type SendableBlock } from '../../src/transfer/block-sender.ts';

const KIB = 1024;
const context = { signal: new AbortController().signal };

/** A cloud that counts requests and keeps the blocks. */
class Blocks {
  readonly stored = new Set<string>();
  readonly questions: number[] = [];
  readonly packs: UploadBlock[][] = [];
  inFlight = 0;
  most = 0;

  async missing(digests: readonly string[]): Promise<string[]> {
    this.questions.push(digests.length);
    return digests.filter((digest) => !this.stored.has(digest));
  }

  async upload(pack: readonly UploadBlock[]): Promise<void> {
    this.most = Math.max(this.most, ++this.inFlight);
    await new Promise((resolve) => setImmediate(resolve));
    this.inFlight--;
    this.packs.push([...pack]);
    for (const { digest } of pack) this.stored.add(digest);
  }
}

let serial = 0;
function block(size: number, options: Partial<SendableBlock> = {}): SendableBlock {
  const digest = createHash('sha256').update(String(serial++)).digest('hex');
  return { digest, size, isNew: true, read: () => new Uint8Array(size), ...options };
}

function blocks(count: number, size: number, options: Partial<SendableBlock> = {}): SendableBlock[] {
  return Array.from({ length: count }, () => block(size, options));
}

async function send(sender: BlockSender, list: readonly SendableBlock[]): Promise<number> {
  const lacking = await sender.lacking(list, context);
  await sender.send(lacking, context);
  return lacking.length;
}

t.test('few bytes are sent without asking, unless the cloud may have them', async (t) => {
  const cloud = new Blocks();
  const sender = new BlockSender(cloud);
  t.equal(await send(sender, blocks(3, 10 * KIB)), 3);
  t.strictSame(cloud.questions, []);
  const [first] = blocks(1, 10 * KIB, { isNew: false, read: () => t.fail('it is not read') as never });
  cloud.stored.add((first as SendableBlock).digest);
  t.equal(await send(sender, [first as SendableBlock]), 0);
  t.strictSame(cloud.questions, [1]);
});

t.test('blocks that the cloud has are neither read nor sent; equal blocks are sent once', async (t) => {
  const cloud = new Blocks();
  const sender = new BlockSender(cloud);
  const known = block(512 * KIB, { read: () => t.fail('it is not read') as never });
  cloud.stored.add(known.digest);
  const other = block(512 * KIB);
  t.equal(await send(sender, [known, other, other]), 1);
  t.strictSame(
    cloud.packs.map((pack) => pack.map(({ digest }) => digest)),
    [[other.digest]],
  );
  t.strictSame(cloud.questions, [2]);
});

t.test('packs keep the limits of a request, and few are in flight', async (t) => {
  const cloud = new Blocks();
  const sender = new BlockSender(cloud);
  await send(sender, [...blocks(2500, 1), ...blocks(40, KIB * KIB)]);
  t.equal(cloud.stored.size, 2540);
  for (const pack of cloud.packs) {
    t.ok(pack.length <= MAX_BATCH_BLOCKS);
    t.ok(pack.reduce((sum, { data }) => sum + data.length, 0) <= MAX_BATCH_BYTES);
  }
  t.ok(cloud.most <= 2, `${cloud.most} at a time`);
});

t.test('new small blocks that were missing each time are asked about less and less often', async (t) => {
  const cloud = new Blocks();
  const sender = new BlockSender(cloud);
  for (let i = 0; i < 64; i++) await send(sender, blocks(500, 4 * KIB));
  t.equal(cloud.stored.size, 32_000);
  t.ok(cloud.questions.length < 12, `${cloud.questions.length} questions`);
  const asked = cloud.questions.length;
  await send(sender, blocks(500, 4 * KIB, { isNew: false }));
  t.equal(cloud.questions.length, asked + 1, 'blocks that the cloud may have are always asked about');
});

t.test('a block that was present ends sending without asking', async (t) => {
  const cloud = new Blocks();
  const sender = new BlockSender(cloud);
  const copies = (): SendableBlock[] => [...blocks(499, 4 * KIB), twice];
  const twice = block(4 * KIB);
  for (let i = 0; i < 4; i++) await send(sender, blocks(500, 4 * KIB));
  cloud.stored.add(twice.digest);
  while ((await send(sender, copies())) === 500);
  const asked = cloud.questions.length;
  for (let i = 0; i < 5; i++) t.equal(await send(sender, copies()), 499);
  t.equal(cloud.questions.length, asked + 5);
});

t.test('large blocks are always asked about', async (t) => {
  const cloud = new Blocks();
  const sender = new BlockSender(cloud);
  for (let i = 0; i < 5; i++) await send(sender, blocks(2, KIB * KIB));
  t.equal(cloud.questions.length, 5);
});

t.test('a failure is thrown when nothing is in flight any more', async (t) => {
  const cloud = new Blocks();
  let failed = 0;
  const broken = {
    missing: async (digests: readonly string[]) => cloud.missing(digests),
    upload: async (pack: readonly UploadBlock[]) => {
      if (failed++ === 0) throw new Error('broken');
      await cloud.upload(pack);
    },
  };
  await t.rejects(send(new BlockSender(broken), blocks(40, KIB * KIB)), { message: 'broken' });
  t.equal(cloud.inFlight, 0);
  const before = cloud.packs.length;
  await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(cloud.packs.length, before, 'no pack follows');
});
