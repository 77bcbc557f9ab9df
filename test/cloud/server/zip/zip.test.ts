import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, lstatSync, openSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { harmless, leadsDown } from '../../../../src/cloud/server/zip/names.ts';
import { zip, type Entry } from '../../../../src/cloud/server/zip/zip.ts';
import { temporary } from '../../../helpers/temporary.ts';

t.setTimeout(500_000);

const MIB = 2 ** 20;
const ZEROS = Buffer.alloc(MIB);

function entry(path: string, content = '', more: Partial<Entry> = {}): Entry {
  const bytes = Buffer.from(content);
  const kind = path.endsWith('/') ? 'folder' : 'file';
  const parts = async function* () {
    if (bytes.length > 0) yield bytes;
  };
  return { path, kind, mode: 0o644, mtime: 1_700_000_001_000, size: bytes.length, content: parts, ...more };
}

async function* listed(entries: Iterable<Entry>): AsyncGenerator<Entry> {
  yield* entries;
}

/** Writes an archive, zeros as holes, and resolves to its path. */
async function written(t: Test, entries: Iterable<Entry>): Promise<string> {
  const file = join(temporary(t), 'a.zip');
  const fd = openSync(file, 'w');
  let at = 0;
  let waiting: Uint8Array[] = [];
  const flush = () => {
    const bytes = Buffer.concat(waiting);
    writeSync(fd, bytes, 0, bytes.length, at);
    at += bytes.length;
    waiting = [];
  };
  for await (const part of zip(listed(entries))) {
    if (part !== ZEROS) waiting.push(part);
    if (part === ZEROS || waiting.length > 10_000) flush();
    if (part === ZEROS) at += part.length;
  }
  flush();
  ftruncateSync(fd, at);
  closeSync(fd);
  return file;
}

/** Runs Info-ZIP's unzip, in UTF-8 and in the time zone `zone`. */
function unzip(args: readonly string[], zone = 'Asia/Tokyo'): string {
  const env = { ...process.env, LC_ALL: 'C.UTF-8', TZ: zone };
  return execFileSync('unzip', args, { env, encoding: 'utf8', maxBuffer: 64 * MIB });
}

t.test('names, times to the second in any time zone, modes, folders and symlinks come back', async (t) => {
  const file = await written(t, [
    entry('folder/', '', { mode: 0o750 }),
    entry('folder/Grüße 雪 \u{1F3D4}.txt', 'hello', { mode: 0o640 }),
    entry('folder/empty'),
    entry('folder/link', 'empty', { kind: 'symlink', mode: 0o777 }),
    entry('old', 'x', { mtime: 86_400_000 }),
  ]);
  const out = temporary(t);
  t.match(unzip(['-t', file]), 'No errors detected');
  unzip(['-q', file, '-d', out]);
  const path = join(out, 'folder/Grüße 雪 \u{1F3D4}.txt');
  t.equal(readFileSync(path, 'utf8'), 'hello');
  t.equal(lstatSync(path).mode & 0o777, 0o640);
  t.equal(lstatSync(path).mtimeMs, 1_700_000_001_000);
  t.equal(lstatSync(join(out, 'folder')).mode & 0o777, 0o750);
  t.equal(lstatSync(join(out, 'old')).mtimeMs, 86_400_000, 'before 1980');
  t.equal(lstatSync(join(out, 'folder/empty')).size, 0);
  t.equal(readlinkSync(join(out, 'folder/link')), 'empty');
});

t.test('an archive of nothing is one', async (t) => {
  const file = await written(t, []);
  t.equal(readFileSync(file).length, 22);
});

t.test('a file beyond 4 GiB, and what follows it', async (t) => {
  const size = 4200 * MIB;
  const big = entry('big', '', {
    size,
    async *content() {
      for (let at = 0; at < size; at += MIB) yield ZEROS;
    },
  });
  const file = await written(t, [entry('before', '1'), big, entry('after', '2')]);
  t.match(unzip(['-l', file]), new RegExp(`${size} .* big\\n`));
  t.equal(unzip(['-p', file, 'after']), '2', 'its offset needs 64 bits');
  t.equal(unzip(['-p', file, 'before']), '1');
  t.match(unzip(['-Zv', file, 'big']), 'uncompressed size:                              4404019200 bytes');
});

t.test('more entries than sixteen bits count', async (t) => {
  const many = function* () {
    for (let i = 0; i < 66_000; i++) yield entry(`${i}`, `${i}`);
  };
  const file = await written(t, many());
  t.match(unzip(['-tqq', file]), '');
  t.match(unzip(['-Zh', file]), 'number of entries: 66000');
  t.equal(unzip(['-p', file, '65999']), '65999');
});

t.test('content that is not as long as announced ends the archive', async (t) => {
  const parts = zip(listed([entry('a', 'abc', { size: 4 })]));
  await t.rejects(async () => {
    for await (const part of parts) t.ok(part);
  }, /3 bytes instead of 4/);
});

t.test('a path that no header can hold ends the archive, too', async (t) => {
  const parts = zip(listed([entry('x'.repeat(70_000))]));
  await t.rejects(async () => parts.next(), RangeError);
});

t.test('harmless names', (t) => {
  const names: [string, string][] = [
    ['notes 12:30.txt', 'notes 12:30.txt'],
    ['..\\..\\evil', '.._.._evil'],
    ['C:evil', 'C_evil'],
    ['.. ', '___'],
    ['...', '___'],
    ['a\u0000b\nc\u007F\u0085', 'a_b_c__'],
    ['gpj.\u202Eexe', 'gpj._exe'],
    ['.hidden', '.hidden'],
  ];
  for (const [name, expected] of names) t.equal(harmless(name), expected, JSON.stringify(name));
  t.end();
});

t.test('symlinks that lead nowhere else', (t) => {
  for (const target of ['a', 'a/b', './a']) t.equal(leadsDown(target), target !== './a', target);
  for (const target of ['/etc', '..', 'a/../b', '../a', 'C:x', '..\\a', '']) t.equal(leadsDown(target), false, target);
  t.end();
});
