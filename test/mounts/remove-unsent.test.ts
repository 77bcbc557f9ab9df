import t from 'tap';
import type { IntentResult } from '../../src/cloud/records.ts';
import { openPair, type Pair } from '../helpers/devices.ts';

/** What the cloud refuses to the first device. */
function refusals({ netA }: Pair): IntentResult[] {
  const refused: IntentResult[] = [];
  const { commit } = netA;
  netA.commit = async (intents, context) => {
    const results = await commit(intents, context);
    refused.push(...results.filter(({ status }) => status === 'refused'));
    return results;
  };
  return refused;
}

t.test('what was moved out of new folders is there when these are removed before they were sent', async (t) => {
  const pair = await openPair(t);
  const { a, b, netA } = pair;
  await a.write('/Sync/k', 'known');
  await a.sync();
  const refused = refusals(pair);
  netA.offline = true;
  for (const path of ['/Sync/F', '/Sync/F/G', '/Sync/F/G/H', '/Sync/F/G/H/I']) await a.mkdir(path);
  await a.write('/Sync/F/G/H/x', 'x');
  await a.write('/Sync/F/G/y', 'y');
  // With this, folders that move later do so in a step of their own.
  await a.rename('/Sync/k', '/Sync/F/k');
  await a.rename('/Sync/F/G/H', '/Sync/H');
  await a.removeTree('/Sync/F');
  netA.offline = false;
  await pair.converge();
  const expected = { '/Sync/H/': '', '/Sync/H/I/': '', '/Sync/H/x': 'x' };
  t.same(await a.tree(), expected);
  t.same(await b.tree(), expected);
  t.same(refused, [], 'nothing was sent that the cloud had to refuse');
});

t.test('what is moved out of a new folder within another one that goes, too', async (t) => {
  const pair = await openPair(t);
  const { a, b, netA } = pair;
  await a.write('/Sync/k', 'known');
  await a.sync();
  const refused = refusals(pair);
  netA.offline = true;
  for (const path of ['/Sync/F', '/Sync/F/G', '/Sync/F/G/H', '/Sync/Z']) await a.mkdir(path);
  await a.rename('/Sync/k', '/Sync/k2');
  await a.rename('/Sync/F/G/H', '/Sync/Z/H');
  await a.removeTree('/Sync/F/G');
  await a.rename('/Sync/Z/H', '/Sync/H');
  await a.removeTree('/Sync/Z');
  await a.removeTree('/Sync/F');
  netA.offline = false;
  await pair.converge();
  t.same(await b.tree(), { '/Sync/H/': '', '/Sync/k2': 'known' });
  t.same(await a.tree(), await b.tree());
  t.same(refused, []);
});
