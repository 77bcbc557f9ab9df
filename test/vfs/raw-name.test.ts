import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import t from 'tap';
import { isName } from '../../src/vfs/name.ts';
import { isCoded, rawName, readableName } from '../../src/vfs/raw-name.ts';

/** Bytes that a name can have, with much that looks like a code or is half a character. */
const piece = fc.oneof(
  fc.constantFrom(
    '\\x5C',
    '\\xE9',
    '\\x',
    '\\',
    '\\x~',
    '5C',
    'x',
    'é',
    '😀',
    '\n',
    '\ufffd',
    '~0123456789abcdef',
    ' ',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.uint8Array({ maxLength: 5 }),
);
const names = fc
  .array(piece, { minLength: 1, maxLength: 12 })
  .map((pieces) =>
    Buffer.concat(pieces.map((one) => Buffer.from(one as string))).filter((byte) => byte !== 0 && byte !== 47),
  )
  .map((bytes) => Buffer.from(bytes).subarray(0, 255))
  .filter((bytes) => bytes.length > 0 && !['.', '..'].includes(bytes.toString()));

t.test('each name has a form that is a name of the cloud, and leads back', async (t) => {
  fc.assert(
    fc.property(names, (raw) => {
      const form = readableName(raw);
      const back = rawName(form);
      return isName(form) && (back === undefined ? form.includes('\\x~') : back.equals(raw));
    }),
    { numRuns: 20_000 },
  );
  t.end();
});

t.test('no two names share a form, also where it is cut', async (t) => {
  fc.assert(
    fc.property(names, names, (a, b) => a.equals(b) || readableName(a, 40) !== readableName(b, 40)),
    { numRuns: 20_000 },
  );
  fc.assert(
    // The form of one name as the name of another.
    fc.property(names, (raw) => {
      const form = Buffer.from(readableName(raw, 40));
      return form.equals(raw) || readableName(form, 40) !== form.toString();
    }),
    { numRuns: 20_000 },
  );
  t.end();
});

t.test('what is UTF-8 stays as it is, unless it looks coded', async (t) => {
  fc.assert(
    fc.property(names, (raw) => {
      const text = raw.toString();
      const plain = isUtf8(raw) && !isCoded(text);
      return plain === (readableName(raw) === text);
    }),
    { numRuns: 20_000 },
  );
  t.end();
});

t.test('it can be read', async (t) => {
  const cases: [Buffer, string][] = [
    [Buffer.from('caf\xe9.txt', 'latin1'), 'caf\\xE9.txt'],
    [Buffer.from('café.txt'), 'café.txt'],
    [Buffer.from('C:\\xampp'), 'C:\\xampp'],
    [Buffer.from('\\xE9'), '\\x5CxE9'],
    [Buffer.from([0xed, 0xa0, 0x80]), '\\xED\\xA0\\x80'],
    [Buffer.from('line\nfeed \ufffd'), 'line\nfeed \ufffd'],
  ];
  for (const [raw, form] of cases) t.equal(readableName(raw), form);
  const long = readableName(Buffer.alloc(255, 0xff));
  t.match(long, /^(\\xFF)+\\x~[0-9a-f]{16}$/);
  t.ok(Buffer.byteLength(long) <= 255 && Buffer.byteLength(long) > 245);
  t.equal(rawName(long), undefined);
});
