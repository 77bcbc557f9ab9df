import { createHash } from 'node:crypto';
import { BLOCK_SIZE } from '../../src/vfs/block.ts';
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SegmentReader, type ReadOutcome, type SegmentBlock } from '../../src/backup/segment-reader.ts';
import { MAX_BATCH_BYTES } from '../../src/cloud/http/wire.ts';
import { contentOf, noise } from '../helpers/intents.ts';
import { temporary } from '../helpers/temporary.ts';

function readAll(reader: SegmentReader) {
  const outcomes: ReadOutcome[] = [];
  const blocks: SegmentBlock[] = [];
  for (let idle = false; !idle;) {
    const segment = reader.next();
    const bytes = segment.blocks.reduce((sum, { data }) => sum + data.length, 0);
    if (bytes > MAX_BATCH_BYTES) throw new Error(`${bytes} bytes in a segment`);
    outcomes.push(...segment.outcomes);
    blocks.push(...segment.blocks);
    ({ idle } = segment);
  }
  return { outcomes, blocks };
}

t.test('files of all sizes are read in order, each block hashed and the whole as well', async (t) => {
  const dir = temporary(t);
  const contents = [0, 1, 1000, BLOCK_SIZE, 9 * BLOCK_SIZE + 1, 5].map((size) => noise(size));
  contents.forEach((content, i) => writeFileSync(join(dir, `f${i}`), content));
  const reader = new SegmentReader({ block: BLOCK_SIZE, segment: MAX_BATCH_BYTES });
  reader.add(contents.map((_, token) => ({ token, path: join(dir, `f${token}`) })));
  const { outcomes, blocks } = readAll(reader);
  t.same(
    outcomes.map(({ token, state }) => [token, state]),
    contents.map((_, i) => [i, 'read']),
  );
  contents.forEach((content, i) => t.match(outcomes[i], { size: content.length, hash: contentOf(content).hash }));
  t.ok(Buffer.concat(blocks.map(({ data }) => data)).equals(Buffer.concat(contents)));
  for (const { digest, data } of blocks) t.equal(digest, createHash('sha256').update(data).digest('hex'));
});

t.test('a file that is written while it is read is told from one that is not', async (t) => {
  const dir = temporary(t);
  const path = join(dir, 'growing');
  writeFileSync(path, noise(9 * BLOCK_SIZE));
  const reader = new SegmentReader({ block: BLOCK_SIZE, segment: MAX_BATCH_BYTES });
  reader.add([{ token: 1, path }]);
  t.same(reader.next().outcomes, []);
  appendFileSync(path, 'more');
  t.match(readAll(reader).outcomes, [{ token: 1, state: 'changed' }]);
});

t.test('links, folders and what is gone are not read', async (t) => {
  const dir = temporary(t);
  mkdirSync(join(dir, 'folder'));
  writeFileSync(join(dir, 'file'), 'x');
  symlinkSync('file', join(dir, 'link'));
  const reader = new SegmentReader({ block: BLOCK_SIZE, segment: MAX_BATCH_BYTES });
  const names = ['folder', 'link', 'absent', 'file'];
  reader.add(names.map((name, token) => ({ token, path: join(dir, name) })));
  const { outcomes } = readAll(reader);
  t.match(outcomes, [
    { state: 'changed' },
    { state: 'failed', code: 'ELOOP' },
    { state: 'failed', code: 'ENOENT' },
    { state: 'read' },
  ]);
});
