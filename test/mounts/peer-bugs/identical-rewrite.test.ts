import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

t.test('saving the same bytes again creates no version and sends nothing', async (t) => {
  const pair = await openHttpPair(t);
  const { a, b, netA, remoteA } = pair;
  const content = 'the same, again and again\n'.repeat(4000);
  await a.write('/Sync/f', content);
  await pair.converge();
  const before = await a.stat('/Sync/f');
  const seen = await b.stat('/Sync/f');
  netA.reset();

  const handle = await a.fs.open(before.id, { read: false, write: true, truncate: true }, context);
  await handle.write(Buffer.from(content.slice(0, 10)), 0, context);
  await handle.write(Buffer.from(content.slice(10)), 10, context);
  await handle.close();
  await a.write('/Sync/f', content);
  await pair.converge();

  t.equal(netA.count(/^POST \/v1\/blocks$/), 0, 'no bytes were sent');
  t.ok(netA.bytes.sent < content.length / 4, `in no other way either: ${netA.bytes.sent}`);
  t.equal((await remoteA.versions(before.id, context)).length, 1);
  t.equal((await b.stat('/Sync/f')).version, seen.version);
  t.equal((await a.stat('/Sync/f')).size, content.length);
  const entry = a.gateway.stack.catalog.get(before.id);
  t.equal(entry?.staged, undefined, 'nothing stays staged');
});
