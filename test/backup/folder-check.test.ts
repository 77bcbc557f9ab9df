import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { checkFolder } from '../../src/backup/folder-check.ts';
import { temporary } from '../helpers/temporary.ts';

t.test('a source is apart from every folder that is taken, whatever links lead there', async (t) => {
  const base = temporary(t);
  for (const name of ['mount/inside', 'mount2', 'free', 'data']) mkdirSync(join(base, name), { recursive: true });
  symlinkSync(join(base, 'mount', 'inside'), join(base, 'link'));
  writeFileSync(join(base, 'file'), '');
  const others = [
    { what: 'the drive', path: join(base, 'mount') },
    { what: "the gateway's data", path: join(base, 'data') },
    { what: 'a disk that is not there', path: join(base, 'absent') },
  ];
  const check = async (name: string) => checkFolder(join(base, name), others);
  t.equal(await check('free'), join(base, 'free'));
  t.equal(await check('mount2'), join(base, 'mount2'), 'the beginning of a name is no folder above');
  await t.rejects(check('mount'), { code: 'EINVAL', reason: /already is the drive/ });
  await t.rejects(check('mount/inside'), { code: 'EINVAL', reason: /is inside the drive/ });
  await t.rejects(check('link'), { code: 'EINVAL', reason: /is inside the drive/ });
  await t.rejects(check('.'), { code: 'EINVAL', reason: /contains the drive/ });
  await t.rejects(check('nowhere'), { code: 'ENOENT' });
  await t.rejects(check('file'), { code: 'ENOTDIR' });
});
