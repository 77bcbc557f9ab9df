import fc from 'fast-check';
import t from 'tap';
import { conflictName, isConflictName } from '../../../../src/mounts/sync/conflict/conflict.ts';
import { checkName, NAME_MAX } from '../../../../src/vfs/name.ts';

const at = new Date(2026, 2, 1, 9, 5, 7);
const free = (): boolean => false;
const mark = '(conflict, laptop, 2026-03-01 09.05.07)';

t.test('names', async (t) => {
  const cases: readonly [string, string][] = [
    ['report.odt', `report ${mark}.odt`],
    ['Makefile', `Makefile ${mark}`],
    ['.profile', `.profile ${mark}`],
    ['a.tar.gz', `a.tar ${mark}.gz`],
    ['trailing.', `trailing ${mark}.`],
    [`report (conflict, desk, 2025-01-01 00.00.00).odt`, `report ${mark}.odt`],
    [`Makefile (conflict, desk, 2025-01-01 00.00.00, 3)`, `Makefile ${mark}`],
  ];
  for (const [name, wanted] of cases) t.equal(conflictName(name, 'laptop', at, free), wanted);
});

t.test('a name that is taken gets a number', async (t) => {
  const taken = new Set<string>();
  const made = Array.from({ length: 4 }, () => {
    const name = conflictName('a.txt', 'laptop', at, (other) => taken.has(other));
    taken.add(name);
    return name;
  });
  t.strictSame(made, [
    `a ${mark}.txt`,
    'a (conflict, laptop, 2026-03-01 09.05.07, 2).txt',
    'a (conflict, laptop, 2026-03-01 09.05.07, 3).txt',
    'a (conflict, laptop, 2026-03-01 09.05.07, 4).txt',
  ]);
});

t.test('a device with an odd name', async (t) => {
  t.equal(conflictName('a', ' my/dev (1) ', at, free), 'a (conflict, my dev  1, 2026-03-01 09.05.07)');
  t.equal(conflictName('a', '//', at, free), 'a (conflict, device, 2026-03-01 09.05.07)');
});

t.test('long names are cut between characters', async (t) => {
  const family = '👩‍👩‍👧‍👦';
  const name = conflictName(`${family.repeat(10)}.txt`, 'laptop', at, free);
  t.ok(Buffer.byteLength(name) <= NAME_MAX);
  const stem = name.slice(0, name.indexOf(' ('));
  t.equal(stem, family.repeat(stem.length / family.length), 'no character was split');
});

t.test('every name becomes a valid one that is recognized', async () => {
  const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 120 }).map((name) => {
    let text = name.replaceAll(/[/\0]/g, '_').replaceAll(/\p{Surrogate}/gu, '');
    while (Buffer.byteLength(text) > NAME_MAX) text = [...text].slice(0, -1).join('');
    return text === '' || text === '.' || text === '..' ? 'x' : text;
  });
  fc.assert(
    fc.property(names, fc.string({ unit: 'grapheme' }), fc.nat(3), (name, device, taken) => {
      let left = taken;
      const made = conflictName(name, device, at, () => left-- > 0);
      checkName(made, 'test');
      return made !== name && isConflictName(made);
    }),
  );
});

t.test('ordinary names are no conflicts', async (t) => {
  for (const name of ['a.txt', 'a (conflict).txt', 'notes (conflict, me, 2026).txt'])
    t.notOk(isConflictName(name), name);
});
