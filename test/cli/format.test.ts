import t from 'tap';
import { columns, count, mode, shown, size, span } from '../../src/cli/format.ts';
import { progressLine } from '../../src/cli/progress-line.ts';

t.test('sizes', async (t) => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [10 * 1024, '10 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
    [3000 * 1024 ** 5, '3000 PiB'],
  ];
  for (const [bytes, words] of cases) t.equal(size(bytes), words, String(bytes));
});

t.test('spans and counts', async (t) => {
  const cases: [number, string][] = [
    [12, '12 ms'],
    [59_000, '59 s'],
    [180_000, '3 min'],
    [7_200_000, '2 h'],
    [10 * 86_400_000, '10 days'],
  ];
  for (const [ms, words] of cases) t.equal(span(ms), words);
  t.equal(count(1, 'file'), '1 file');
  t.equal(count(12_345, 'file'), '12,345 files');
  t.equal(count(2, 'copy', 'copies'), '2 copies');
});

t.test('modes', async (t) => {
  t.equal(mode('folder', 0o755), 'drwxr-xr-x');
  t.equal(mode('file', 0o640), '-rw-r-----');
  t.equal(mode('symlink', 0o777), 'lrwxrwxrwx');
});

t.test('names cannot steer the terminal', async (t) => {
  const cases: [string, string][] = [
    ['plain ü 漢 😀', 'plain ü 漢 😀'],
    ['two\nlines\t\r', String.raw`two\nlines\t\r`],
    ['\u001B[2J', String.raw`\x1b[2J`],
    ['\u0085', String.raw`\x85`],
    ['evil\u202Efdp.exe', String.raw`evil\u{202e}fdp.exe`],
    ['a\u2028b', String.raw`a\u{2028}b`],
    [String.raw`C:\x`, String.raw`C:\x`],
  ];
  for (const [name, safe] of cases) t.equal(shown(name), safe);
});

t.test('columns', async (t) => {
  t.same(
    columns(
      [
        ['a', '1', 'x'],
        ['bbb', '22', 'y'],
      ],
      [1],
    ),
    ['a     1  x', 'bbb  22  y'],
  );
  t.same(columns([]), []);
  t.equal(columns(Array.from({ length: 150_000 }, () => ['a', 'b'])).at(-1), 'a  b', 'of any number of rows');
});

t.test('a line of progress', async (t) => {
  const line = progressLine(
    'Copying',
    { done: { files: 1, bytes: 1024 }, total: { files: 3, bytes: 4096 }, current: 'a\u001Bb' },
    2000,
  );
  t.equal(line, String.raw`Copying [######------------------] 25%  1.0 KiB of 4.0 KiB, 1 of 3 files, 512 B/s  a\x1bb`);
  const later = progressLine('Copying', { done: { files: 1, bytes: 1024 }, total: { files: 3, bytes: 4096 } }, 4000);
  t.match(later, /1 of 3 files, 256 B\/s, 12 s left$/);
  const waiting = { done: { files: 1, bytes: 0 }, total: { files: 3, bytes: 0 } };
  const waits = [{ why: 'offline', count: 3 } as const, { why: 'busy', count: 2, path: '/Archive/a\u001Bb' } as const];
  t.equal(
    progressLine('Uploading', { ...waiting, waits }, 0),
    'Uploading 33%, 1 of 3 files: waits for the cloud, which cannot be reached; ' +
      String.raw`waits until /Archive/a\x1bb and 1 other is closed and unlocked`,
  );
  const parked = [{ why: 'parked', count: 1, path: '/Sync/x', reason: 'no room' } as const];
  t.match(progressLine('Uploading', { ...waiting, waits: parked }, 0), /: cannot be sent: \/Sync\/x \(no room\)$/);
  const empty = { done: { files: 0, bytes: 0 }, total: { files: 0, bytes: 0 } };
  t.match(progressLine('Copying', empty, 0), /100%/);
  t.match(
    progressLine('Copying', { ...empty, total: { files: 2, bytes: 0 }, done: { files: 1, bytes: 0 } }, 0),
    / 50%/,
  );
});
