import fc from 'fast-check';
import t from 'tap';
import { decide, decidePlace, type Side } from '../../src/local-folder/decide.ts';
import { mirror, twoWay } from '../../src/mounts/policy/reconcile.ts';

const side = fc.constantFrom<Side[]>('same', 'changed', 'absent');

/** What each side has after a remedy: contents by name, `base` being the agreed one. */
function apply(local: Side, drive: Side, equal: boolean): { here: Set<string>; there: Set<string> } {
  const content = (one: Side, mine: string): string[] => (one === 'absent' ? [] : [one === 'same' ? 'base' : mine]);
  const here = new Set(content(local, 'new'));
  const there = new Set(content(drive, equal ? 'new' : 'other'));
  const remedy = decide({ local, drive, equal }, twoWay);
  if (remedy === 'send') return { here, there: new Set(here) };
  if (remedy === 'fetch') return { here: new Set(there), there };
  if (remedy === 'copy') return { here: new Set([...here, ...there]), there: new Set([...here, ...there]) };
  if (remedy === 'removeThere' || remedy === 'removeHere') return { here: new Set(), there: new Set() };
  return { here, there };
}

t.test('both sides end alike, and nothing but the agreed content is ever lost', async (t) => {
  fc.assert(
    fc.property(side, side, fc.boolean(), (local, drive, same) => {
      const equal = same && local === 'changed' && drive === 'changed';
      const { here, there } = apply(local, drive, equal);
      const alike = here.size === there.size && [...here].every((one) => there.has(one));
      const kept = local !== 'changed' || here.has('new');
      const keptThere = drive !== 'changed' || here.has(equal ? 'new' : 'other');
      return alike && kept && keptThere;
    }),
  );
  t.end();
});

t.test('a removal loses to a change, and a difference on one side goes to the other', async (t) => {
  const cases: [Side, Side, boolean, string][] = [
    ['same', 'same', false, 'nothing'],
    ['changed', 'same', false, 'send'],
    ['same', 'changed', false, 'fetch'],
    ['changed', 'changed', true, 'meet'],
    ['changed', 'changed', false, 'copy'],
    ['absent', 'same', false, 'removeThere'],
    ['same', 'absent', false, 'removeHere'],
    ['absent', 'changed', false, 'fetch'],
    ['changed', 'absent', false, 'send'],
    ['absent', 'absent', false, 'forget'],
  ];
  for (const [local, drive, equal, remedy] of cases) {
    t.equal(decide({ local, drive, equal }, twoWay), remedy, `${local}, ${drive}`);
  }
  t.equal(decide({ local: 'changed', drive: 'absent', equal: false }, mirror), 'removeHere', 'unless the rules say so');
  t.equal(decide({ local: 'changed', drive: 'changed', equal: false }, mirror), 'fetch');
});

t.test('a node moves to where one side has moved it; if both have, to where the drive has it', async (t) => {
  const place = fc.constantFrom('a', 'b', 'c');
  fc.assert(
    fc.property(place, place, place, (agreed, local, drive) => {
      const remedy = decidePlace(agreed, local, drive, (a, b) => a === b);
      const end = remedy === 'send' ? local : drive;
      if (local !== agreed && drive === agreed) return end === local;
      return end === drive;
    }),
  );
  t.end();
});
