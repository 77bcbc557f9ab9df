import { createHash } from 'node:crypto';
import t from 'tap';
import type { UploadBlock } from '../../src/cloud/remote.ts';
import { BlockSender } from '../../src/transfer/block-sender.ts';
import { uploadContents, wireContent, type Upload } from '../../src/transfer/contents.ts';
import { BLOCK_SIZE } from '../../src/vfs/block.ts';
import { DigestList } from '../../src/vfs/digest-list.ts';

const context = { signal: new AbortController().signal };

/** A cloud that records questions and keeps blocks, which must be what their digests say. */
class Blocks {
  readonly stored = new Map<string, number>();
  readonly questions: number[] = [];

  async missing(digests: readonly string[]): Promise<string[]> {
    this.questions.push(digests.length);
    return digests.filter((digest) => !this.stored.has(digest));
  }

  async upload(pack: readonly UploadBlock[]): Promise<void> {
    for (const { digest, data } of pack) {
      if (hex(data) !== digest) throw new Error(`${digest} has other bytes`);
      this.stored.set(digest, data.length);
    }
  }
}

interface Read extends Upload {
  /** Indexes of the blocks that were read. */
  readonly reads: number[];
}

/** A content of blocks with these bytes; `old`: indexes of blocks that the cloud probably has. */
function contentOf(blocks: readonly Uint8Array[], old: readonly number[] = []): Read {
  const reads: number[] = [];
  const size = blocks.reduce((sum, { length }) => sum + length, 0);
  const runs = blocks.map((data, index) => ({ digest: sha256(data), end: index + 1 }));
  const block = async (index: number) => {
    reads.push(index);
    return blocks[index] ?? new Uint8Array();
  };
  const file = { block, isOwn: (index: number) => !old.includes(index) };
  return { file, manifest: { size, digests: DigestList.ofRuns(runs) }, reads };
}

function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

function hex(data: Uint8Array): string {
  return sha256(data).toString('hex');
}

function filled(byte: number, size = BLOCK_SIZE): Uint8Array {
  return new Uint8Array(size).fill(byte);
}

t.test('all blocks are in the cloud afterwards, the last one in its own size', async (t) => {
  const cloud = new Blocks();
  const [large, small] = [contentOf([filled(1), filled(2), filled(3, 10)]), contentOf([filled(4, 5)])];
  await uploadContents(new BlockSender(cloud), [large, small], context);
  t.same(
    [...cloud.stored.values()].sort((a, b) => a - b),
    [5, 10, BLOCK_SIZE, BLOCK_SIZE],
  );
});

t.test('blocks that the cloud has are not read', async (t) => {
  const cloud = new Blocks();
  cloud.stored.set(hex(filled(1)), BLOCK_SIZE);
  const content = contentOf([filled(1), filled(2)]);
  await uploadContents(new BlockSender(cloud), [content], context);
  t.same(content.reads, [1]);
});

t.test('a block of the last content is asked for, however small', async (t) => {
  const cloud = new Blocks();
  cloud.stored.set(hex(filled(1, 10)), 10);
  const content = contentOf([filled(1, 10)], [0]);
  await uploadContents(new BlockSender(cloud), [content], context);
  t.same(cloud.questions, [1]);
  t.same(content.reads, []);
});

t.test('a few bytes are sent without a question', async (t) => {
  const cloud = new Blocks();
  await uploadContents(new BlockSender(cloud), [contentOf([filled(1, 10)])], context);
  t.same([cloud.questions.length, cloud.stored.size], [0, 1]);
});

t.test('equal blocks, beside each other and in different contents, are read and sent once', async (t) => {
  const cloud = new Blocks();
  const contents = [contentOf([filled(0), filled(0), filled(0)]), contentOf([filled(0), filled(1)])];
  await uploadContents(new BlockSender(cloud), contents, context);
  t.equal(contents.flatMap(({ reads }) => reads).length, 2);
  t.equal(cloud.stored.size, 2);
});

t.test('many blocks are asked for in several requests', async (t) => {
  const cloud = new Blocks();
  const digests = Array.from({ length: 10_000 }, (_, index) => sha256(Buffer.from(String(index))));
  for (const digest of digests) cloud.stored.set(digest.toString('hex'), BLOCK_SIZE);
  const runs = digests.map((digest, index) => ({ digest, end: index + 1 }));
  const manifest = { size: digests.length * BLOCK_SIZE, digests: DigestList.ofRuns(runs) };
  const file = { block: () => Promise.reject(new Error('read')), isOwn: () => true };
  await uploadContents(new BlockSender(cloud), [{ file, manifest }], context);
  t.ok(cloud.questions.length > 1);
  t.equal(
    cloud.questions.reduce((sum, count) => sum + count, 0),
    digests.length,
    'each once',
  );
  t.ok(Math.max(...cloud.questions) <= 4096);
});

t.test('contents without bytes need no request', async (t) => {
  const cloud = new Blocks();
  await uploadContents(new BlockSender(cloud), [contentOf([])], context);
  t.same([cloud.questions.length, cloud.stored.size], [0, 0]);
});

t.test('what a read fails with ends the upload', async (t) => {
  const failing = {
    ...contentOf([filled(1)]),
    file: { block: () => Promise.reject(new Error('bad disk')), isOwn: () => true },
  };
  await t.rejects(uploadContents(new BlockSender(new Blocks()), [failing], context), /bad disk/);
});

t.test('on the wire a content is its size and its digests, equal ones in a row once', async (t) => {
  const { manifest } = contentOf([filled(0), filled(0), filled(1, 3)]);
  const wire = wireContent(manifest);
  if (!('blocks' in wire)) throw new Error('not by its digests');
  t.equal(wire.size, 2 * BLOCK_SIZE + 3);
  const digests = DigestList.from(Buffer.from(wire.blocks, 'base64'), 3);
  t.same(
    [...(digests?.runs() ?? [])].map(({ start, end }) => [start, end]),
    [
      [0, 2],
      [2, 3],
    ],
  );
});
