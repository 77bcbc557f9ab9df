import { join } from 'node:path';
import { quote, settle, sh, timed } from '../../lib/shell.ts';
import { TREE, type Work } from '../turn.ts';

const CLOSE = 'tar x of 10,000 files of 4–40 KiB, until close';
const CLOUD = 'tar x of them, until in the cloud';

/** Unpacks many small files, which stay for later tasks. */
export const tar: Work = {
  id: 'tar',
  rows: [
    { figure: CLOSE, unit: 's' },
    { figure: CLOUD, unit: 's' },
  ],
  run: async ({ mounted, material, note }) => {
    const { path, files, bytes } = material.tar;
    const to = join(mounted.dir, TREE);
    await sh(`mkdir ${quote(to)}; cat ${quote(path)} >/dev/null`);
    await settle();
    const begin = performance.now();
    note(CLOSE, await timed(`tar xf ${quote(path)} -C ${quote(to)}`));
    if (mounted.stored === undefined) return;
    await mounted.stored({ name: TREE, archive: false, files, bytes });
    note(CLOUD, (performance.now() - begin) / 1000);
  },
};
