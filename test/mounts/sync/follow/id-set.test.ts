import t from 'tap';
import { v7 } from 'uuid';
import { IdSet } from '../../../../src/mounts/sync/follow/id-set.ts';

t.test('it contains exactly the added ids', async (t) => {
  const set = new IdSet();
  t.notOk(set.has('a'));
  const inside = Array.from({ length: 5000 }, () => v7());
  const outside = Array.from({ length: 5000 }, () => v7());
  for (const id of inside) set.add(id);
  t.ok(inside.every((id) => set.has(id)));
  t.notOk(outside.some((id) => set.has(id)));
  set.add('later');
  t.ok(set.has('later'));
  t.ok(set.has(inside[0] ?? ''));
});
