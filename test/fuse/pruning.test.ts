import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { until } from '../contract/file-system/rig.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';

t.setTimeout(500_000);

const MOST = 400;
const FILES = 2500;

/** Linux 6.18 is the first version that forgets nodes on request. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const forgets = major > 6 || (major === 6 && minor >= 18);

t.test('a walk over many nodes leaves few in memory, and all of them work', { skip: withoutFuse() }, async (t) => {
  const mount = await FuseProcess.start({ mostNodes: MOST });
  t.teardown(() => mount.stop());
  const at = (i: number): string => join(mount.dir, `d${i % 10}`, `f${i}`);
  for (let i = 0; i < 10; i++) await mkdir(join(mount.dir, `d${i}`));
  for (let i = 0; i < FILES; i++) await writeFile(at(i), `content ${i}`);
  const early = await open(at(0));
  t.teardown(() => early.close());
  for (let i = 0; i < FILES; i++) await stat(at(i));
  if (forgets) {
    await until(async () => ((await mount.order('nodes')) as number) <= 1.1 * MOST, 'forgotten');
  }
  t.equal((await early.read({ buffer: Buffer.alloc(9), position: 0 })).bytesRead, 9, 'open files are kept');
  t.equal((await stat(join(mount.dir, 'd3'))).isDirectory(), true);
  for (let i = 0; i < FILES; i += 7) t.equal(await readFile(at(i), 'utf8'), `content ${i}`);
  t.equal((await readdir(join(mount.dir, 'd1'))).length, FILES / 10);
});
