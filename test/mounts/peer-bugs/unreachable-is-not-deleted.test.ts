import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import type { Fault } from '../../helpers/faulty-proxy.ts';
import { openPair } from '../../helpers/devices.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

/** Responses that may come from a network instead of the cloud. */
const NONSENSE: Readonly<Record<string, Fault>> = {
  'a page of a hotel': { kind: 'garbage' },
  'a 404 that is not the cloud’s': { kind: 'refuse', status: 404 },
  'a 403 of a filter': { kind: 'refuse', status: 403 },
  'an error of the service': { kind: 'refuse', status: 500, code: 'internal' },
  'half an answer': { kind: 'half' },
  'half an answer that looks whole': { kind: 'truncate' },
  'no answer at all': { kind: 'reset' },
};

t.test('a cloud that cannot be reached, or sends garbage, removes nothing here', async (t) => {
  const pair = await openHttpPair(t);
  const { a, b, netB } = pair;
  await a.mkdir('/Sync/d');
  for (let i = 0; i < 5; i++) await a.write(`/Sync/d/${i}`, `kept ${i}`);
  await pair.converge();
  t.equal(await b.read('/Sync/d/0'), 'kept 0');
  const before = await b.tree();

  await netB.stop();
  await t.rejects(b.gateway.pull(context), { code: 'EAGAIN' });
  await b.restart();
  t.strictSame(await b.tree(), before, 'after a start without a network');
  await netB.start();
  await pair.converge();

  const space = (await b.gateway.stack.catalog.spaces()).find(({ kind }) => kind === 'sync')?.id ?? '';
  for (const [name, fault] of Object.entries(NONSENSE)) {
    for (const what of ['feed', 'snapshot', 'spaces'] as const) {
      const pattern = what === 'spaces' ? /^\/v1\/spaces$/ : new RegExp(`/${what}(?:\\?|$)`);
      netB.affects = ({ path }) => pattern.test(path);
      netB.mode = fault;
      if (what === 'snapshot') b.gateway.stack.follower.resync(space);
      await t.rejects(b.gateway.pull(context), `${name} for ${what}`);
      t.strictSame(await b.tree(), before, `${name} for ${what}`);
      netB.reset();
    }
  }
  await a.write('/Sync/d/later', 'later');
  await pair.converge();
  t.strictSame(await b.tree(), { ...before, '/Sync/d/later': 'later' });
});

t.test('an incomplete snapshot removes nothing', async (t) => {
  const pair = await openPair(t);
  const { a, b, netB } = pair;
  for (let i = 0; i < 5; i++) await a.write(`/Sync/${i}`, `${i}`);
  await pair.converge();
  const before = await b.tree();
  const whole = netB.snapshot.bind(netB);
  netB.snapshot = async function* short(...args: Parameters<typeof whole>) {
    let left = 2;
    for await (const record of whole(...args)) {
      if (left-- === 0) return;
      yield record;
    }
  };
  const space = (await b.gateway.stack.catalog.spaces()).find(({ kind }) => kind === 'sync');
  b.gateway.stack.follower.resync(space?.id ?? '');
  await b.gateway.pull(context);
  t.strictSame(await b.tree(), before);
});
