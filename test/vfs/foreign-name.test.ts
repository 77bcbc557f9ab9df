import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { foldedName, nameFault, portableName } from '../../src/vfs/foreign-name.ts';
import { isName } from '../../src/vfs/name.ts';

t.test('names that Windows cannot hold', async (t) => {
  const faults = {
    con: 'reserved',
    'Aux.txt': 'reserved',
    'lpt1.tar.gz': 'reserved',
    'COM²': 'reserved',
    'a:b': 'characters',
    'line\nbreak': 'characters',
    'what?': 'characters',
    'dot.': 'ending',
    'space ': 'ending',
  } as const;
  for (const [name, fault] of Object.entries(faults)) t.equal(nameFault(name), fault, name);
  for (const name of ['console', 'com', 'com10', '.profile', 'a b', 'größe.txt', 'aux-1'])
    t.equal(nameFault(name), undefined, name);
});

t.test('names that are one where case or the form of Unicode does not count', async (t) => {
  for (const [a, b] of [
    ['README', 'readme'],
    ['caf\u00E9', 'cafe\u0301'],
    ['STRASSE', 'straße'],
    ['ΣΑΣ', 'σας'],
  ] as const)
    t.equal(foldedName(a), foldedName(b), a);
  t.not(foldedName('a'), foldedName('b'));
});

t.test('a portable name is a valid name without a fault, and one that has none is left alone', async (t) => {
  const some = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('con', 'nul.txt', ' ', '...', 'a. .', '?', '\u0001', 'aux .txt', 'com1. '),
  );
  const run = fc.property(some.filter(isName), (name) => {
    const better = portableName(name);
    assert.equal(nameFault(better), undefined, better);
    if (isName(name) && Buffer.byteLength(name) < 250) assert.ok(isName(better), better);
    if (nameFault(name) === undefined) assert.equal(better, name.normalize('NFC'));
  });
  t.doesNotThrow(() => fc.assert(run));
});
