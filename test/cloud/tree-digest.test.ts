import fc from 'fast-check';
import { createHash } from 'node:crypto';
import t from 'tap';
import { BUCKETS, bucketOf, type DigestedNode, TreeDigest } from '../../src/cloud/tree-digest.ts';

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
const time = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
const node: fc.Arbitrary<DigestedNode> = fc.record(
  {
    id: text,
    parent: text,
    name: text,
    kind: fc.constantFrom('file', 'symlink'),
    rev: fc.nat(),
    size: fc.nat(),
    version: fc.option(text),
    hash: fc.option(text),
    mode: fc.nat(0o7777),
    mtime: time,
    birthtime: time,
    target: text,
    xattrs: fc.dictionary(text, text),
    mount: text,
  },
  { requiredKeys: ['id', 'parent', 'name', 'kind', 'rev', 'size', 'version', 'hash', 'mode', 'mtime', 'birthtime'] },
);
const nodes = fc.array(node, { maxLength: 20 });

function digestOf(all: readonly DigestedNode[]): TreeDigest {
  const digest = new TreeDigest();
  for (const one of all) digest.add(one);
  return digest;
}

const differing = (a: readonly DigestedNode[], b: readonly DigestedNode[]): number[] =>
  digestOf(a).differing(digestOf(b).toString());

t.test('it does not depend on the order of nodes, nor of their attributes', async () => {
  fc.assert(
    fc.property(nodes, fc.nat(), (all, turn) => {
      const turned = [...all.slice(turn % (all.length + 1)), ...all.slice(0, turn % (all.length + 1))].toReversed();
      const reversed = turned.map((one) =>
        one.xattrs === undefined
          ? one
          : { ...one, xattrs: Object.fromEntries(Object.entries(one.xattrs).toReversed()) },
      );
      return differing(all, reversed).length === 0;
    }),
  );
});

t.test('every field of every node matters, in the bucket of the node only', async () => {
  fc.assert(
    fc.property(nodes, node, node, (all, one, other) => {
      for (const [field, value] of Object.entries(other)) {
        const changed = { ...one, [field]: value } as DigestedNode;
        const isEqual = JSON.stringify(sorted(changed)) === JSON.stringify(sorted(one));
        const found = differing([...all, one], [...all, changed]);
        const expected = isEqual ? [] : [...new Set([bucketOf(one.id), bucketOf(changed.id)])].sort((a, b) => a - b);
        if (JSON.stringify(found) !== JSON.stringify(expected)) return false;
      }
      return true;
    }),
  );
});

t.test('a node that is missing, too many, or there twice is noticed', async () => {
  fc.assert(
    fc.property(nodes, node, (all, one) => {
      const missing = differing([...all, one], all);
      const twice = differing([...all, one, one], [...all, one]);
      const thrice = differing([...all, one, one, one], [...all, one]);
      return [missing, twice, thrice].every((found) => found.length === 1 && found[0] === bucketOf(one.id));
    }),
  );
});

t.test('the mtime of a folder does not matter, and absent and empty attributes are the same', async (t) => {
  const folder = {
    id: 'f',
    parent: 'p',
    name: 'n',
    rev: 1,
    size: 0,
    version: null,
    hash: null,
    mode: 0o755,
    birthtime: 1,
  };
  const at = (mtime: number): DigestedNode => ({ ...folder, kind: 'folder', mtime });
  t.same(differing([at(1)], [at(2)]), []);
  t.same(differing([at(1)], [{ ...at(1), xattrs: {} }]), []);
});

t.test('the format is what docs/api.md says', async (t) => {
  const file: DigestedNode = {
    id: '019ab000-0000-7000-8000-000000000004',
    parent: '019ab000-0000-7000-8000-000000000003',
    name: 'Grüße "1"',
    kind: 'file',
    rev: 7,
    size: 3,
    version: 'v',
    hash: 'h',
    mode: 420,
    mtime: 1_763_855_519_000.25,
    birthtime: -12.5,
    xattrs: { 'user.b': 'AA==', 'user.a': 'AQ==' },
  };
  const line =
    '["019ab000-0000-7000-8000-000000000004","019ab000-0000-7000-8000-000000000003","Grüße \\"1\\"","file",7,3,"v","h",null,420,' +
    '1763855519000.25,-12.5,[["user.a","AQ=="],["user.b","AA=="]],null]';
  const sums = Buffer.from(digestOf([file]).toString(), 'base64');
  t.equal(sums.length, BUCKETS * 16);
  const sum = sums.subarray(bucketOf(file.id) * 16, bucketOf(file.id) * 16 + 16);
  t.same(sum, createHash('sha256').update(line).digest().subarray(0, 16));
});

t.test('ids that follow each other are spread over the buckets', async (t) => {
  const counts = Array.from({ length: BUCKETS }, () => 0);
  for (let i = 0; i < 25_600; i++) {
    const id = `019ab000-0000-7000-8000-${i.toString(16).padStart(12, '0')}`;
    counts[bucketOf(id)] = (counts[bucketOf(id)] ?? 0) + 1;
  }
  t.ok(Math.min(...counts) > 30, 'none is nearly empty');
  t.ok(Math.max(...counts) < 300, 'none has much more than others');
});

function byText(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function sorted(one: DigestedNode): unknown {
  const { xattrs = {}, target = null, mount = null, ...rest } = one;
  const pairs = (of: object): string[] =>
    Object.entries(of)
      .map((pair) => JSON.stringify(pair))
      .sort(byText);
  return [pairs(rest), pairs(xattrs), target, mount];
}
