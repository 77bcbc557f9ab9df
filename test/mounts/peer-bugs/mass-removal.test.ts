import t from 'tap';
import { openHttpPair, type HttpPair } from '../../helpers/http-devices.ts';

async function fill({ a }: HttpPair, folder: string, count: number): Promise<void> {
  await a.mkdir(folder);
  for (let i = 0; i < count; i++) await a.write(`${folder}/${i}`, 'x');
}

t.setTimeout(500_000);

t.test('the removal of most files on another device waits for confirmation', async (t) => {
  const pair = await openHttpPair(t);
  await fill(pair, '/Sync/photos', 105);
  await fill(pair, '/Sync/other', 20);
  await pair.converge();

  await pair.a.removeTree('/Sync/photos');
  await pair.a.write('/Sync/other/later', 'later');
  await pair.a.sync();
  await pair.b.sync();
  t.equal(pair.b.gateway.status().held[0]?.files, 105);
  t.equal(Object.keys(await pair.b.tree('/Sync/photos')).length, 105, 'everything is still here');
  t.ok(await pair.b.exists('/Sync/other/later'), 'other changes are shown');

  await pair.b.restart();
  await pair.b.sync();
  t.equal(pair.b.gateway.status().held[0]?.files, 105, 'a new process holds it, too');
  pair.b.gateway.confirm();
  await pair.converge();
  t.notOk(await pair.b.exists('/Sync/photos'));
  t.strictSame(pair.b.gateway.status().held, []);
});

t.test('less than half, or few files, are removed at once', async (t) => {
  const pair = await openHttpPair(t);
  await fill(pair, '/Sync/big', 110);
  await fill(pair, '/Sync/bigger', 115);
  await fill(pair, '/Sync/small', 3);
  await pair.converge();
  await pair.a.removeTree('/Sync/big');
  await pair.converge();
  t.notOk(await pair.b.exists('/Sync/big'));
  await pair.a.removeTree('/Sync/small');
  await pair.converge();
  t.notOk(await pair.b.exists('/Sync/small'));
  t.strictSame(pair.b.gateway.status().held, []);
});
