import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { LocalBlockStore } from '../../../../src/cloud/server/blocks/local.ts';
import { blockStoreContract } from '../../../contract/block-store.ts';
import { contentOf, noise } from '../../../helpers/intents.ts';
import { temporary } from '../../../helpers/temporary.ts';

blockStoreContract(t, async (t: Test) => LocalBlockStore.open(temporary(t)));

t.test('a block is a file under its digest; what a killed process left is cleared', async (t) => {
  const dir = temporary(t);
  mkdirSync(join(dir, 'tmp'));
  writeFileSync(join(dir, 'tmp/half'), 'half a bl');
  const store = await LocalBlockStore.open(dir);
  t.same(readdirSync(join(dir, 'tmp')), []);
  const [one] = contentOf(noise(10)).blocks;
  if (one === undefined) throw new Error('no block');
  await store.put('ada', [one]);
  t.same(readdirSync(join(dir, 'ada', one.digest.slice(0, 2))), [one.digest]);
  t.same(readdirSync(join(dir, 'tmp')), [], 'nothing temporary stays');
});
