import t from 'tap';
import { replay } from './history.ts';
import { parse } from './step.ts';

const TREE = `
      a mkdir /Sync/d
      a write /Sync/d/f f
      a mkdir /Sync/d/e
      a write /Sync/d/e/g g
      - meet`;

/** Histories in which a process ends before the n-th change of its disk, for each n: what it has begun the next one finishes. */
const KILLED: readonly { readonly what: string; readonly steps: (kill: string) => string }[] = [
  {
    what: 'a folder is removed elsewhere',
    steps: (kill) => `${TREE}
      b ${kill}
      a rmtree /Sync/d
      a flush
      - wait 3000`,
  },
  {
    what: 'a folder is removed here',
    steps: (kill) => `${TREE}
      a rmtree /Sync/d
      a ${kill}
      a flush
      - wait 3000`,
  },
  {
    what: 'a folder that was removed elsewhere is created again',
    steps: (kill) => `${TREE}
      b cut
      b mv /Sync/d /Sync/x
      a rmtree /Sync/d
      a flush
      b ${kill}
      b heal
      - wait 5000`,
  },
  {
    what: 'two new folders of one name become one',
    steps: (kill) => `
      b cut
      b mkdir /Sync/d
      b write /Sync/d/f f
      b mkdir /Sync/d/e
      b write /Sync/d/e/g g
      a mkdir /Sync/d
      a write /Sync/d/h h
      a flush
      b ${kill}
      b heal
      - wait 5000`,
  },
];

t.setTimeout(600_000);

for (const { what, steps } of KILLED) {
  t.test(`a process that ends while ${what} leaves nothing undone`, async (t) => {
    for (let change = 0; change < 16; change++) {
      const { failure } = await replay(1, 2, parse(steps(`kill ${change}`)));
      t.equal(failure?.message, undefined, `before change ${change}`);
    }
  });
}
