import { createHash } from 'node:crypto';
import { BLOCK_SIZE } from '../../src/vfs/block.ts';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { blockCount } from '../../src/vfs/block.ts';
import { DigestList } from '../../src/vfs/digest-list.ts';
import { Describer } from '../../src/backup/describer.ts';
import { SourcePaths } from '../../src/backup/source-paths.ts';
import { SegmentReader, type ReadOutcome, type SegmentBlock } from '../../src/backup/segment-reader.ts';
import { MAX_BATCH_BYTES } from '../../src/cloud/limits.ts';
import { contentOf, noise } from '../helpers/intents.ts';
import { temporary } from '../helpers/temporary.ts';

function readerOf(folder: string): SegmentReader {
  const limits = { block: BLOCK_SIZE, segment: MAX_BATCH_BYTES };
  return new SegmentReader(limits, new SourcePaths(folder), new Describer(folder));
}

function hex({ digest }: { readonly digest: Uint8Array }): string {
  return Buffer.from(digest).toString('hex');
}

function hexes(digests: Buffer): string[] {
  return digests.toString('hex').match(/.{64}/g) ?? [];
}

function readAll(reader: SegmentReader) {
  const outcomes: ReadOutcome[] = [];
  const blocks: SegmentBlock[] = [];
  for (let idle = false; !idle;) {
    // A reader that reads holes would exhaust the memory before the time limit.
    if (blocks.length > 40) throw new Error('more blocks than any of these files has');
    const segment = reader.next();
    const bytes = segment.blocks.reduce((sum, { data }) => sum + data.length, 0);
    if (bytes > MAX_BATCH_BYTES) throw new Error(`${bytes} bytes in a segment`);
    outcomes.push(...segment.outcomes);
    blocks.push(...segment.blocks);
    ({ idle } = segment);
  }
  return { outcomes, blocks };
}

t.test('files of all sizes are read in order, with the hashes of each block and of the whole', async (t) => {
  const dir = temporary(t);
  const contents = [0, 1, 1000, BLOCK_SIZE, 9 * BLOCK_SIZE + 1, 5].map((size) => noise(size));
  contents.forEach((content, i) => writeFileSync(join(dir, `f${i}`), content));
  const reader = readerOf(dir);
  reader.add(contents.map((_, token) => ({ token, path: `f${token}` })));
  const { outcomes, blocks } = readAll(reader);
  t.same(
    outcomes.map(({ token, state }) => [token, state]),
    contents.map((_, i) => [i, 'read']),
  );
  contents.forEach((content, i) => t.match(outcomes[i], { size: content.length, hash: contentOf(content).hash }));
  t.ok(Buffer.concat(blocks.map(({ data }) => data)).equals(Buffer.concat(contents)));
  for (const { digest, data } of blocks) t.equal(digest, createHash('sha256').update(data).digest('hex'));
});

t.test('a file of some blocks or none has the digests and the hash of its content', async (t) => {
  const dir = temporary(t);
  const contents = [0, 7, BLOCK_SIZE, 2 * BLOCK_SIZE + 3].map((size) => noise(size));
  contents.push(Buffer.alloc(3 * BLOCK_SIZE, 1), Buffer.alloc(BLOCK_SIZE));
  contents.forEach((content, i) => writeFileSync(join(dir, `f${i}`), content));
  const reader = readerOf(dir);
  reader.add(contents.map((_, token) => ({ token, path: `f${token}` })));
  for (const [i, outcome] of readAll(reader).outcomes.entries()) {
    const { hash, digests, blocks } = contentOf(contents[i] as Buffer);
    t.match(outcome, { state: 'read', hash });
    const bytes = Buffer.from(outcome.state === 'read' ? outcome.digests : '', 'base64');
    const list = DigestList.from(bytes, blocks.length);
    t.same(
      [...(list?.runs() ?? [])].flatMap((run) => Array.from({ length: run.end - run.start }, () => hex(run))),
      hexes(digests),
    );
  }
});

t.test('memory of blocks is used again once it is given back, and not before', async (t) => {
  const dir = temporary(t);
  const contents = Array.from({ length: 6 }, () => noise(5000));
  contents.forEach((content, i) => writeFileSync(join(dir, `f${i}`), content));
  const reader = readerOf(dir);
  const read = (i: number, memory: readonly ArrayBuffer[] = []) => {
    reader.add([{ token: i, path: `f${i}` }]);
    const [block] = reader.next(memory).blocks;
    t.ok(block && Buffer.from(block.data).equals(contents[i] as Buffer), `the content of file ${i}`);
    return block?.data.buffer as ArrayBuffer;
  };
  const [first, second] = [read(0), read(1)];
  t.not(second, first, 'what was handed over is not touched');
  t.equal(read(2, [first, second]), second);
  t.equal(read(3), first);
  const odd = new ArrayBuffer(100);
  t.not(read(4, [odd]), odd, 'what is not of that size is not kept');
});

t.test('a file that is written while it is read is reported as changed', async (t) => {
  const dir = temporary(t);
  const path = join(dir, 'growing');
  writeFileSync(path, noise(9 * BLOCK_SIZE));
  const reader = readerOf(dir);
  reader.add([{ token: 1, path: 'growing' }]);
  t.same(reader.next().outcomes, []);
  appendFileSync(path, 'more');
  t.match(readAll(reader).outcomes, [{ token: 1, state: 'changed' }]);
});

t.test('a file that grows is taken as it was when it was opened, if it was written before, too', async (t) => {
  for (const size of [1000, 3 * BLOCK_SIZE, 12 * BLOCK_SIZE + 7]) {
    const dir = temporary(t);
    const content = noise(size);
    writeFileSync(join(dir, 'log'), content);
    const reader = readerOf(dir);
    reader.add([{ token: 1, path: 'log', again: true }]);
    let [outcomes, rounds] = [[] as readonly ReadOutcome[], 0];
    // It has 8 MiB at most in memory, so the larger one is still open after the first.
    for (let idle = false; !idle; rounds++) {
      if (rounds < 2) appendFileSync(join(dir, 'log'), 'more');
      const segment = reader.next();
      ({ idle } = segment);
      if (segment.outcomes.length > 0) ({ outcomes } = segment);
    }
    const expected = Buffer.concat([content, Buffer.from('more')]);
    t.match(outcomes, [{ state: 'read', size: expected.length, hash: contentOf(expected).hash }]);
  }
});

t.test('a file that is written in what was read already is not taken, however often it is read', async (t) => {
  const dir = temporary(t);
  writeFileSync(join(dir, 'data'), noise(20 * BLOCK_SIZE));
  const reader = readerOf(dir);
  reader.add([{ token: 1, path: 'data', again: true }]);
  const first = reader.next();
  t.same(first.outcomes, []);
  const fd = openSync(join(dir, 'data'), 'r+');
  writeSync(fd, 'x', 5);
  closeSync(fd);
  t.same(readAll(reader).outcomes, [{ token: 1, state: 'changed' }]);
});

t.test('a file that is shortened while it is read is not taken', async (t) => {
  const dir = temporary(t);
  writeFileSync(join(dir, 'data'), noise(20 * BLOCK_SIZE));
  const reader = readerOf(dir);
  reader.add([{ token: 1, path: 'data', again: true }]);
  reader.next();
  truncateSync(join(dir, 'data'), 100);
  t.same(readAll(reader).outcomes, [{ token: 1, state: 'changed' }]);
});

t.test('links, folders and missing files are not read', async (t) => {
  const dir = temporary(t);
  mkdirSync(join(dir, 'folder'));
  writeFileSync(join(dir, 'file'), 'x');
  symlinkSync('file', join(dir, 'link'));
  const reader = readerOf(dir);
  const names = ['folder', 'link', 'absent', 'file'];
  reader.add(names.map((name, token) => ({ token, path: name })));
  const { outcomes } = readAll(reader);
  t.match(outcomes, [
    { state: 'changed' },
    { state: 'failed', code: 'ELOOP' },
    { state: 'failed', code: 'ENOENT' },
    { state: 'read' },
  ]);
});

t.test('holes are neither read nor emitted, except one block of zeros per length', async (t) => {
  const dir = temporary(t);
  const path = join(dir, 'sparse');
  const size = 40 * BLOCK_SIZE + 5;
  const content = Buffer.alloc(size);
  const data = noise(2 * BLOCK_SIZE);
  writeFileSync(path, '');
  truncateSync(path, size);
  const fd = openSync(path, 'r+');
  for (const [at, length] of [
    [3 * BLOCK_SIZE, 2 * BLOCK_SIZE],
    [20 * BLOCK_SIZE + 70_000, 10],
  ] as const) {
    writeSync(fd, data, 0, length, at);
    content.set(data.subarray(0, length), at);
  }
  closeSync(fd);
  const reader = readerOf(dir);
  reader.add([{ token: 1, path: 'sparse' }]);
  const { outcomes, blocks } = readAll(reader);
  t.match(outcomes, [{ state: 'read', size, hash: contentOf(content).hash }]);
  t.same(
    blocks.map(({ data }) => data.length),
    [BLOCK_SIZE, BLOCK_SIZE, BLOCK_SIZE, BLOCK_SIZE, 5],
    'zeros, the data in three blocks, the short end',
  );
  for (const { digest, data } of blocks) t.equal(digest, createHash('sha256').update(data).digest('hex'));
  const [outcome] = outcomes;
  const list =
    outcome?.state === 'read' ? DigestList.from(Buffer.from(outcome.digests, 'base64'), blockCount(size)) : undefined;
  t.equal(await list?.hash(), contentOf(content).hash, 'the list of digests is that of the content');
  t.same(new Set(list?.distinct()), new Set(blocks.map(({ digest }) => digest)), 'every block was emitted');
});

t.test('a file that is one large hole takes no time', async (t) => {
  const dir = temporary(t);
  const path = join(dir, 'hole');
  writeFileSync(path, '');
  truncateSync(path, 2 ** 41);
  const reader = readerOf(dir);
  reader.add([{ token: 1, path: 'hole' }]);
  const { outcomes, blocks } = readAll(reader);
  t.match(outcomes, [{ state: 'read', size: 2 ** 41, digests: /^[\w+/=]{48}$/ }]);
  t.equal(blocks.length, 1);
});
