import fc from 'fast-check';
import t from 'tap';
import { Inode } from '../../src/fuse/inode.ts';
import { ATTR_OUT, ENTRY_OUT, digest, join, putAttrOut, putEntryOut, putIno, split } from '../../src/fuse/reply.ts';
import * as wire from '../../src/fuse/wire/structs.ts';
import type { Attr } from '../../src/vfs/node.ts';

const attr: Attr = {
  id: 'n7',
  parent: 'root',
  name: 'f',
  kind: 'file',
  size: 5 * 2 ** 32 + 4097,
  mode: 0o4751,
  mtime: 1_500_000_007_654.321,
  ctime: -1.5,
  birthtime: 0,
  version: 'v',
};
const how = { uid: 11, gid: 12, validity: 86_400 };

t.test('attributes are at the offsets of the layouts', async (t) => {
  const inode = new Inode(2 ** 33 + 5, 'n7');
  inode.atime = 2 ** 32 * 1000;
  const out = Buffer.alloc(ENTRY_OUT + 3, 0xff);
  t.equal(putEntryOut({ inode, attr, lasting: true }, how, out, 3), ENTRY_OUT);
  const head = { nodeid: 2 ** 33 + 5, generation: 0, entryValid: 86_400, attrValid: 86_400 };
  t.strictSame(wire.EntryOut.decode(out, 3), { ...head, entryValidNsec: 0, attrValidNsec: 0 });
  const found = wire.Attr.decode(out, 3 + wire.EntryOut.size);
  t.match(found, { size: attr.size, blocks: 8 * (5 * 2 ** 20 + 2), mode: 0o104_751, nlink: 1, uid: 11, gid: 12 });
  t.match(found, { atime: 2 ** 32, atimensec: 0, mtime: 1_500_000_007, mtimensec: 654_321_000 });
  t.match(found, { ctime: -1, ctimensec: 998_500_000, rdev: 0, blksize: 4096, flags: 0 });

  inode.unlinked = true;
  const gone = Buffer.alloc(ATTR_OUT, 0xff);
  t.equal(putAttrOut(inode, { ...attr, kind: 'folder', size: 0 }, how, gone, 0), ATTR_OUT);
  t.strictSame(wire.AttrOut.decode(gone, 0), { attrValid: 86_400, attrValidNsec: 0, dummy: 0 });
  t.match(wire.Attr.decode(gone, wire.AttrOut.size), { nlink: 0, mode: 0o044_751, size: 0, blocks: 0 });
});

t.test('an outdated response is not cached', async (t) => {
  const out = Buffer.alloc(ENTRY_OUT);
  putEntryOut({ inode: new Inode(2, 'n7'), attr, lasting: false }, how, out, 0);
  t.match(wire.EntryOut.decode(out, 0), { entryValid: 0, attrValid: 0 });
});

t.test('times survive a round trip to the microsecond', async (t) => {
  const micros = fc.integer({ min: -(2 ** 50), max: 2 ** 51 });
  const property = fc.property(micros, (micros) => {
    const [sec, nsec] = split(micros / 1000);
    return nsec >= 0 && nsec < 1e9 && sec * 1e6 + nsec / 1000 === micros && split(join(sec, nsec))[1] === nsec;
  });
  fc.assert(property);
  t.strictSame(split(-0.001), [-1, 999_999_000]);
});

t.test('inode numbers are unique and stable', async (t) => {
  const seen = new Set<string>();
  const out = Buffer.alloc(8);
  for (let i = 0; i < 200_000; i++) {
    putIno(`0190f3a2-5b1c-7d3e-8f40-${i.toString(16).padStart(12, '0')}`, out, 0);
    seen.add(out.toString('hex'));
  }
  t.equal(seen.size, 200_000);
  putIno('n1', out, 0);
  t.equal(out.toString('hex'), '01dc3504225ab537', 'git stores them');
});

t.test('the digest depends on every attribute', async (t) => {
  const others = [
    { size: 1 },
    { mode: 0o600 },
    { mtime: attr.mtime + 0.001 },
    { ctime: attr.ctime - 1 },
    { size: attr.size + 2 ** 32 },
  ];
  for (const other of others) t.not(digest({ ...attr, ...other }), digest(attr), JSON.stringify(other));
  t.equal(digest({ ...attr, name: 'other' }), digest(attr));
});
