import t, { type Test } from 'tap';
import { Replacements } from '../../../src/cache/tree/replacements.ts';
import { Claims } from '../../../src/cache/tree/claims.ts';
import { Database } from '../../../src/cache/db/database.ts';
import { GroupWriter } from '../../../src/cache/db/group-writer.ts';
import { Journal, type PendingIntent } from '../../../src/cache/tree/journal.ts';

async function open(t: Test, dir: string): Promise<{ journal: Journal; writer: GroupWriter; database: Database }> {
  const database = await Database.open(dir);
  t.teardown(() => database.close());
  const writer = new GroupWriter(database);
  const claims = await Claims.open(await database.rows('claims'), writer);
  const replacements = await Replacements.open(await database.rows('replacements'), writer);
  return {
    journal: await Journal.open(await database.rows('journal'), writer, claims, replacements),
    writer,
    database,
  };
}

function intent(journal: Journal, node: string, more: Partial<PendingIntent> = {}): PendingIntent {
  const seq = journal.nextSeq();
  return { seq, id: `i${seq}`, op: 'put', space: 's', node, at: 1, parent: 'p', name: 'n', ...more };
}

t.test('intents keep their order, even across a restart and beyond ten thousand', async (t) => {
  const dir = t.testdir();
  const { journal, writer, database } = await open(t, dir);
  for (let i = 0; i < 2500; i++) void writer.write([journal.put(intent(journal, `n${i % 7}`))]);
  await writer.idle();
  await database.close();
  const again = await open(t, dir);
  t.equal(again.journal.size, 2500);
  t.same(
    [...again.journal.all()].map(({ seq }) => seq),
    Array.from({ length: 2500 }, (_, i) => i + 1),
  );
  t.same(
    again.journal
      .of('n3')
      .slice(0, 2)
      .map(({ seq }) => seq),
    [4, 11],
  );
  t.equal(again.journal.nextSeq(), 2501);
});

t.test('a rewritten intent keeps its position; a removed one is gone at once', async (t) => {
  const { journal, writer } = await open(t, t.testdir());
  const [a, b] = [intent(journal, 'x'), intent(journal, 'x')];
  await writer.write([journal.put(a), journal.put(b)]);
  await writer.write([journal.put({ ...a, name: 'renamed' })]);
  t.same(
    [...journal.all()].map(({ name }) => name),
    ['renamed', 'n'],
  );
  void writer.write([journal.remove(a.seq)]);
  t.same(journal.of('x'), [b]);
  t.equal(journal.has('x'), true);
  await writer.write([journal.remove(b.seq)]);
  t.equal(journal.has('x'), false);
  t.equal(journal.size, 0);
});

t.test('a claim belongs to this process and ends with the intent', async (t) => {
  const dir = t.testdir();
  const { journal, writer, database } = await open(t, dir);
  const one = intent(journal, 'x');
  await writer.write([journal.put(one)]);
  journal.claim(one.seq);
  t.equal(journal.isClaimed(one.seq), true);
  await database.close();
  const again = await open(t, dir);
  t.equal(again.journal.isClaimed(one.seq), false);
  again.journal.claim(one.seq);
  await again.writer.write([again.journal.remove(one.seq)]);
  t.equal(again.journal.isClaimed(one.seq), false);
});

t.test('exactly the intents that were sent are fixed for the next process', async (t) => {
  const dir = t.testdir();
  const { journal, writer, database } = await open(t, dir);
  const [sent, claimed, idle, done, refused] = ['a', 'b', 'c', 'd', 'e'].map((node) => intent(journal, node));
  if (!sent || !claimed || !idle || !done || !refused) return;
  await writer.write([sent, claimed, idle, done, refused].map((one) => journal.put(one)));
  for (const { seq } of [sent, claimed, done, refused]) journal.claim(seq);
  const ops = journal.handOver([sent.seq, done.seq, refused.seq]);
  t.equal(ops.length, 1, 'one record for all');
  await writer.write(ops);
  await writer.write([journal.remove(done.seq), journal.put({ ...refused, id: 'another' })]);
  await writer.write(journal.handOver([sent.seq]));
  await database.close();

  const again = await open(t, dir);
  const fixed = (one: PendingIntent): boolean => again.journal.isFixed(one.seq);
  t.same([sent, claimed, idle, refused].map(fixed), [true, false, false, false]);
  t.same(
    [sent, idle].map(({ seq }) => again.journal.isInherited(seq)),
    [true, true],
  );
  void again.writer.write([again.journal.put({ ...idle, id: 'anew' })]);
  t.equal(again.journal.isInherited(idle.seq), false);
  await again.writer.write([again.journal.remove(sent.seq)]);
  again.journal.claim(idle.seq);
  await again.writer.write(again.journal.handOver([idle.seq]));
  t.equal(
    (await (await again.database.rows('claims')).range({ gt: '', lt: ':', limit: 9 })).length,
    1,
    'the old is gone',
  );
});

t.test('watchers are notified of every change until they stop', async (t) => {
  const { journal, writer } = await open(t, t.testdir());
  let heard = 0;
  const stop = journal.watch(() => heard++);
  await writer.write([journal.put(intent(journal, 'x'))]);
  t.equal(heard, 1);
  stop();
  await writer.write([journal.put(intent(journal, 'y'))]);
  t.equal(heard, 1);
});
