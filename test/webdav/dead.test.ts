import fc from 'fast-check';
import t from 'tap';
import { allDead, decodeDead, encodeDead, findDead, xattrName } from '../../src/webdav/props/dead.ts';

const name = fc.record({
  namespace: fc.string({ unit: 'grapheme', maxLength: 200 }),
  name: fc.stringMatching(/^[a-zA-Z_][\w.-]{0,80}$/),
});

t.test('a property survives being stored as an extended attribute, whatever its name', async () => {
  fc.assert(
    fc.property(name, fc.string({ unit: 'binary' }), (name, xml) => {
      const attribute = xattrName(name);
      const xattrs = { [attribute]: encodeDead({ name, xml }), 'user.other': 'AAAA' };
      const [only, ...more] = allDead(xattrs);
      return (
        Buffer.byteLength(attribute) <= 255 &&
        more.length === 0 &&
        findDead(xattrs, attribute) === Buffer.from(xml).toString() &&
        only?.name.name === name.name &&
        only.name.namespace === name.namespace
      );
    }),
  );
});

t.test('different names have different attributes', async () => {
  fc.assert(
    fc.property(name, name, (a, b) => {
      const same = a.name === b.name && a.namespace === b.namespace;
      return (xattrName(a) === xattrName(b)) === same;
    }),
  );
});

t.test('other attributes are ignored', async (t) => {
  for (const attribute of ['user.foo', 'user.dav.', 'user.dav.foo', 'security.selinux', 'user.dav.#abc']) {
    t.equal(decodeDead(attribute, Buffer.from('no line').toString('base64')), undefined, attribute);
  }
});
