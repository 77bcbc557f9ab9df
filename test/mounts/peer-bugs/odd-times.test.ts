import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

const TIMES: Readonly<Record<string, number>> = {
  'the epoch': 0,
  'before it': -86_400_000,
  'year 2100': Date.UTC(2100, 0, 1),
  'a fraction': 1_500_000_000_123.456,
};

t.setTimeout(500_000);

t.test('times in 1970, earlier and in the future are neither lost nor block anything', async (t) => {
  const { a, b, converge } = await openHttpPair(t);
  for (const [name, mtime] of Object.entries(TIMES)) {
    await a.write(`/Sync/${name}`, name);
    await a.fs.setattr((await a.stat(`/Sync/${name}`)).id, { mtime }, context);
  }
  const before = Date.now();
  await a.write('/Sync/untouched', 'now');
  await converge();
  for (const [name, mtime] of Object.entries(TIMES)) {
    t.equal(await b.read(`/Sync/${name}`), name);
    t.equal((await b.stat(`/Sync/${name}`)).mtime, (await a.stat(`/Sync/${name}`)).mtime, `${name}, on both`);
    t.ok(Math.abs((await b.stat(`/Sync/${name}`)).mtime - mtime) < 1, name);
  }
  t.ok(
    (await b.stat('/Sync/untouched')).mtime >= before - 1,
    'a file whose time was not set has the time of its last write',
  );

  await b.write('/Sync/the epoch', 'changed');
  await converge();
  t.equal(await a.read('/Sync/the epoch'), 'changed', 'an older or newer time has no influence');
  t.strictSame(await a.gateway.conflicts(), []);
});
