import t from 'tap';
import { IdleCollection } from '../../src/daemon/idle-collection.ts';

const MIB = 1 << 20;

function rig() {
  const state = { heap: 50 * MIB, busy: 0, collected: 0 };
  const idle = new IdleCollection({
    collect: () => {
      state.collected++;
      state.heap = 60 * MIB;
    },
    heap: () => state.heap,
    busy: () => state.busy,
  });
  const looks = (count: number): number => {
    for (let i = 0; i < count; i++) idle.look();
    return state.collected;
  };
  return { state, looks };
}

t.test('memory is returned after a time without work', async (t) => {
  const { state, looks } = rig();
  t.equal(looks(10), 0, 'the heap has not grown');
  state.heap = 200 * MIB;
  state.busy = 0.5;
  t.equal(looks(10), 0, 'the thread is busy');
  state.busy = 0.001;
  t.equal(looks(2), 0, 'it may be only a pause');
  t.equal(looks(1), 1);
  t.equal(looks(10), 1, 'once is enough');
});

t.test('work in between restarts the wait', async (t) => {
  const { state, looks } = rig();
  state.heap = 200 * MIB;
  looks(2);
  state.busy = 1;
  looks(1);
  state.busy = 0;
  t.equal(looks(2), 0);
  t.equal(looks(1), 1);
});

t.test('memory that stays in use does not cause another collection', async (t) => {
  const { state, looks } = rig();
  state.heap = 200 * MIB;
  looks(3);
  state.heap = 90 * MIB;
  t.equal(looks(10), 1);
  state.heap = 95 * MIB;
  t.equal(looks(10), 2);
});
