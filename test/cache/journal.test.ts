import t, { type Test } from 'tap';
import { Database } from '../../src/cache/database.ts';
import { GroupWriter } from '../../src/cache/group-writer.ts';
import { Journal, type PendingIntent } from '../../src/cache/journal.ts';

async function open(t: Test, dir: string): Promise<{ journal: Journal; writer: GroupWriter; database: Database }> {
  const database = await Database.open(dir);
  t.teardown(() => database.close());
  const writer = new GroupWriter(database);
  return { journal: await Journal.open(await database.rows('journal'), writer), writer, database };
}

function intent(journal: Journal, node: string, more: Partial<PendingIntent> = {}): PendingIntent {
  const seq = journal.nextSeq();
  return { seq, id: `i${seq}`, op: 'put', space: 's', node, at: 1, parent: 'p', name: 'n', ...more };
}

t.test('intents keep their order, also over a restart and past ten thousand', async (t) => {
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

t.test('an intent that is written anew keeps its place; one removed is gone at once', async (t) => {
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

t.test('a claim is of this process and ends with the intent', async (t) => {
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

t.test('watchers hear of every change until they stop', async (t) => {
  const { journal, writer } = await open(t, t.testdir());
  let heard = 0;
  const stop = journal.watch(() => heard++);
  await writer.write([journal.put(intent(journal, 'x'))]);
  t.equal(heard, 1);
  stop();
  await writer.write([journal.put(intent(journal, 'y'))]);
  t.equal(heard, 1);
});
