import fc from 'fast-check';
import t from 'tap';
import { DavError } from '../../src/webdav/dav-error.ts';
import { hrefOf, parsePath, splitTarget } from '../../src/webdav/path.ts';

const status = (run: () => unknown): number => {
  try {
    run();
    return 200;
  } catch (error) {
    return error instanceof DavError ? error.status : 500;
  }
};

t.test('paths are split and decoded', async (t) => {
  t.strictSame(parsePath('/'), { names: [], slash: true });
  t.strictSame(parsePath('/a/b'), { names: ['a', 'b'], slash: false });
  t.strictSame(parsePath('//a///b/'), { names: ['a', 'b'], slash: true });
  t.strictSame(parsePath('/a%20b%23%3F%25;c').names, ['a b#?%;c']);
  t.strictSame(parsePath('/%C3%A9').names, ['é']);
  t.strictSame(parsePath(`/${Buffer.from('é').toString('latin1')}`).names, ['é'], 'bare UTF-8');
  t.strictSame(parsePath('/...').names, ['...']);
});

t.test('bad paths are refused', async (t) => {
  const bad = ['/%', '/%4', '/%zz', '/%C3%28', '/%c0%af', '/%00', '/a/../b', '/a/%2e%2e/b', '/./a', '/%2F', '/a%2fb'];
  bad.push('/\u00ff');
  for (const path of bad)
    t.equal(
      status(() => parsePath(path)),
      400,
      path,
    );
  t.equal(
    status(() => parsePath(`/${'a'.repeat(255)}`)),
    200,
  );
  t.equal(
    status(() => parsePath(`/${'a'.repeat(256)}`)),
    414,
  );
  t.equal(
    status(() => parsePath(`/${'%C3%A9'.repeat(128)}`)),
    414,
    '256 bytes in 128 characters',
  );
  t.equal(
    status(() => parsePath('/abcdefg'.repeat(511))),
    200,
    '4088 bytes',
  );
  t.equal(
    status(() => parsePath('/abcdefg'.repeat(512))),
    414,
    '4096 bytes',
  );
});

t.test('targets', async (t) => {
  t.strictSame(splitTarget('/a?b=c'), { authority: undefined, path: '/a' });
  t.strictSame(splitTarget('http://h:1/a'), { authority: 'h:1', path: '/a' });
  t.strictSame(splitTarget('http://h'), { authority: 'h', path: '/' });
  t.strictSame(splitTarget('//x/y'), { authority: undefined, path: '//x/y' });
  t.equal(
    status(() => splitTarget('/a#b')),
    400,
  );
  t.equal(
    status(() => splitTarget('a')),
    400,
  );
  t.equal(
    status(() => splitTarget('')),
    400,
  );
  t.equal(
    status(() => splitTarget('*')),
    400,
  );
});

t.test('an href is parsed to the same names, and is safe in XML and in addresses', async () => {
  const name = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 40 })
    // eslint-disable-next-line no-control-regex
    .filter((s) => !/[\u0000/]/.test(s) && s !== '.' && s !== '..');
  fc.assert(
    fc.property(fc.array(name, { maxLength: 8 }), fc.boolean(), (names, folder) => {
      const href = hrefOf(names, folder);
      const parsed = parsePath(splitTarget(href).path);
      return JSON.stringify(parsed.names) === JSON.stringify(names) && /^[\w./%~!*'()-]*$/.test(href);
    }),
  );
});
