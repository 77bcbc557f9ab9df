import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';

t.setTimeout(500_000);

t.test('`cloud verify` works on a cloud that runs', async (t) => {
  const fjord = await startFjord(t);
  const dir = t.testdir();
  const source = join(dir, 'photo.raw');
  writeFileSync(source, randomBytes(2_500_000));
  t.equal((await fjord.cli('put', source, '/Sync/')).code, 0);
  t.equal((await fjord.cli('flush')).code, 0);
  const verify = (...more: string[]) => fjord.cli('cloud', 'verify', '--data', join(fjord.data, 'cloud'), ...more);
  t.match(await verify(), { code: 0, stdout: '', stderr: /3 blocks verified/ });

  const blocks = join(fjord.data, 'cloud', 'blocks');
  const [block = ''] = readdirSync(blocks, { recursive: true, encoding: 'utf8' })
    .map((name) => join(blocks, name))
    .filter((path) => statSync(path).isFile() && statSync(path).size === 1 << 20);
  const bytes = readFileSync(block);
  bytes[100] = (bytes[100] ?? 0) ^ 4;
  writeFileSync(block, bytes);
  t.match(await verify(), { code: 8, stdout: /sync +\/photo\.raw .* 1 damaged block/ });
  t.match(await verify('--repair'), { code: 8, stdout: /photo\.raw/ });
  const same = join(dir, 'same.raw');
  writeFileSync(same, readFileSync(source));
  t.equal((await fjord.cli('put', same, '/Sync/')).code, 0);
  t.equal((await fjord.cli('flush')).code, 0);
  t.match(await verify(), { code: 0, stdout: '' }, 'healed by an upload of the same content');
});
