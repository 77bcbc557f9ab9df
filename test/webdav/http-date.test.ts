import fc from 'fast-check';
import t from 'tap';
import { formatHttpDate, formatIsoDate, parseHttpDate, parseIsoDate } from '../../src/webdav/http-date.ts';

const example = Date.UTC(1994, 10, 6, 8, 49, 37);

t.test('all forms of HTTP dates mean the same', async (t) => {
  const forms = ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'];
  forms.push('6 Nov 1994 08:49:37 UTC', ' sun, 06 nov 1994 08:49:37 gmt ');
  for (const form of forms) t.equal(parseHttpDate(form), example, form);
});

t.test('invalid dates are refused', async (t) => {
  const bad = ['', 'now', '1994-11-06', 'Sun, 31 Feb 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 25:49:37 GMT', '784111777'];
  bad.push('Sun, 06 Foo 1994 08:49:37 GMT', 'Sun, 06 Nov 1994 08:49:37 PST');
  for (const text of bad) t.equal(parseHttpDate(text), undefined, text);
  t.equal(parseIsoDate('1994-11-06T08:49:37'), undefined, 'no zone');
  t.equal(parseIsoDate('1994-13-06T08:49:37Z'), undefined, 'no such month');
});

t.test('RFC 3339 with zones and fractions', async (t) => {
  t.equal(parseIsoDate('1994-11-06T08:49:37Z'), example);
  t.equal(parseIsoDate('1994-11-06T09:49:37.5+01:00'), example + 500);
  t.equal(parseIsoDate('Sun, 06 Nov 1994 08:49:37 GMT'), example);
});

t.test('formatted dates are parsed again, to the second', async () => {
  const seconds = fc.integer({ min: Date.UTC(1601, 0, 1) / 1000, max: Date.UTC(9999, 0, 1) / 1000 });
  fc.assert(
    fc.property(
      seconds,
      (s) => parseHttpDate(formatHttpDate(s * 1000)) === s * 1000 && parseIsoDate(formatIsoDate(s * 1000)) === s * 1000,
    ),
  );
});

t.test('dates are those of the calendar', async () => {
  const seconds = fc.integer({ min: Date.UTC(1601, 0, 1) / 1000, max: Date.UTC(9999, 11, 31) / 1000 });
  const agree = (s: number): boolean =>
    formatHttpDate(s * 1000 + 999) === new Date(s * 1000).toUTCString() &&
    formatIsoDate(s * 1000) === new Date(s * 1000).toISOString().replace('.000', '');
  fc.assert(fc.property(seconds, agree), { numRuns: 2000 });
  const edges = [1601, 1900, 1969, 1970, 2000, 2024, 2100].flatMap((year) => [
    Date.UTC(year, 1, 28),
    Date.UTC(year, 1, 29),
    Date.UTC(year, 2, 1),
    Date.UTC(year, 11, 31, 23, 59, 59),
    Date.UTC(year, 0, 1),
  ]);
  for (const ms of edges) fc.assert(fc.property(fc.constant(ms / 1000), agree));
});

t.test('times out of range do not throw', async (t) => {
  for (const ms of [NaN, Infinity, -Infinity, 1e300]) t.match(formatHttpDate(ms), / GMT$/);
});
