import t from 'tap';
import { MassGuard } from '../../src/backup/mass-guard.ts';

const guard = (files: number, more: Partial<ConstructorParameters<typeof MassGuard>[0]> = {}) =>
  new MassGuard({ files, recent: 0, confirmed: false, asked: false, ...more });

t.test('a hundred files are free, and half of more', async (t) => {
  t.ok(guard(10).admits(10));
  t.ok(guard(150).admits(100));
  t.notOk(guard(150).admits(101));
  t.ok(guard(1000).admits(500));
  t.notOk(guard(1000).admits(501));
  t.notOk(guard(1000, { recent: 400 }).admits(101), 'with what went a short while ago');
  t.ok(guard(1000, { confirmed: true }).admits(1000));
  t.notOk(guard(1000, { asked: true }).admits(1), 'nothing while a person has not decided');
  t.ok(guard(1000, { asked: true }).admits(0));
});

t.test('after one replacement was refused, all are', async (t) => {
  const files = guard(240);
  for (let i = 0; i < 120; i++) t.ok(files.admitsReplacement());
  t.notOk(files.admitsReplacement());
  t.notOk(files.admitsReplacement());
  t.equal(files.refused, 2);
  t.notOk(files.admits(1), 'and removals count with them');
});
