import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import fc from 'fast-check';
import t from 'tap';
import { assign } from '../../src/vfs/assign.ts';

setFlagsFromString('--allow-natives-syntax');
const haveSameClass = runInThisContext('(a, b) => %HaveSameMap(a, b)') as (a: object, b: object) => boolean;

t.test('the same as a literal with two spreads', async (t) => {
  const record = fc.dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    fc.anything(),
  );
  fc.assert(
    fc.property(record, record, (a, b) => {
      t.strictSame(assign(a, b), { ...a, ...b });
    }),
  );
});

t.test('objects that are extended in the same way share a hidden class', async (t) => {
  const made = Array.from({ length: 100 }, (_, i) => assign({ id: i, name: 'x', time: i + 0.5 }, { base: null }));
  const last = made.at(-1) as object;
  t.equal(made.filter((one) => !haveSameClass(one, last)).length, 0);
});
