import t from 'tap';
import { openPair } from '../../helpers/devices.ts';

t.test('bad names are found in all of Sync and in what changes, and block nothing', async (t) => {
  const { a, b, converge } = await openPair(t);
  const { names, catalog } = b.gateway.stack;
  const shown = async (): Promise<string[]> => {
    const found = await names.list();
    return found.map(({ node, fault }) => `${catalog.get(node)?.name ?? '?'}: ${fault}`).sort();
  };
  await a.mkdir('/Sync/deep');
  await a.write('/Sync/deep/aux.txt', '1');
  await a.write('/Sync/readme', '2');
  await a.write('/Sync/README', '3');
  await a.write('/Sync/caf\u00E9', '4');
  await a.write('/Sync/cafe\u0301', '5');
  await a.write('/Sync/fine', '6');
  await converge();
  t.same(await shown(), ['aux.txt: reserved', 'caf\u00E9: twin', 'readme: twin']);
  t.equal(await b.read('/Sync/README'), '3');
  t.equal(await b.read('/Sync/readme'), '2');

  await a.rename('/Sync/readme', '/Sync/other');
  await a.write('/Sync/deep/end.', '7');
  await b.write('/Sync/a:b', '8');
  await b.removeTree('/Sync/deep');
  await b.mkdir('/Sync/deep');
  await b.write('/Sync/deep/Nul', '9');
  await converge();
  const after = await shown();
  t.ok(after.includes('a:b: characters') && after.includes('Nul: reserved') && after.includes('caf\u00E9: twin'));
  t.notOk(after.some((one) => one.startsWith('readme')));
});
