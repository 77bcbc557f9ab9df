import t from 'tap';
import { DavError } from '../../src/webdav/dav-error.ts';
import { parseIf, submittedTokens } from '../../src/webdav/if-header.ts';

const list = (tag: string | undefined, ...conditions: [string, string, boolean?][]) => ({
  tag,
  conditions: conditions.map(([what, value, not = false]) => ({ not, what, value })),
});

const golden: readonly [string, ReturnType<typeof list>[]][] = [
  ['(<urn:a>)', [list(undefined, ['token', 'urn:a'])]],
  ['(<urn:a> ["x"])', [list(undefined, ['token', 'urn:a'], ['etag', '"x"'])]],
  ['([W/"x"])', [list(undefined, ['etag', 'W/"x"'])]],
  ['(["a ] (b) <c>"])', [list(undefined, ['etag', '"a ] (b) <c>"'])]],
  ['(Not <urn:a> not [ "x" ])', [list(undefined, ['token', 'urn:a', true], ['etag', '"x"', true])]],
  [
    '(<urn:a>)(Not <DAV:no-lock>)',
    [list(undefined, ['token', 'urn:a']), list(undefined, ['token', 'DAV:no-lock', true])],
  ],
  ['</x> (<urn:a>)', [list('/x', ['token', 'urn:a'])]],
  [
    '<http://h/x> (<urn:a>) (["e"]) </y>(<urn:b>)',
    [list('http://h/x', ['token', 'urn:a']), list('http://h/x', ['etag', '"e"']), list('/y', ['token', 'urn:b'])],
  ],
  ['(<urn:a>), (<urn:b>)', [list(undefined, ['token', 'urn:a']), list(undefined, ['token', 'urn:b'])]],
  ['  ( <urn:a> )  ', [list(undefined, ['token', 'urn:a'])]],
];

t.test('If fields are parsed as in RFC 4918 section 10.4', async (t) => {
  for (const [field, expected] of golden) t.strictSame(parseIf(field), expected, field);
});

t.test('malformed If fields are refused', async (t) => {
  const bad = ['', '()', '(', '(<a>', '<a>', '<a> <b> (<c>)', '(<a>) <b> (<c>)', '(<a> Not)', '(Not Not <a>)', '(<>)'];
  bad.push('((<a>))', '(<a>))', 'foo', '(foo)', '("x")', '(["x)', '(<a> , <b>)', '(<a b>)', '(Notx <a>)', '(<a>) x');
  for (const field of bad) {
    t.throws(() => parseIf(field), DavError, JSON.stringify(field));
  }
});

t.test('every token counts as submitted, negated or not', async (t) => {
  const tokens = submittedTokens(parseIf('</x> (<urn:a> ["e"]) (Not <urn:b>) </y> (<urn:c>)'));
  t.strictSame([...tokens], ['urn:a', 'urn:b', 'urn:c']);
});
