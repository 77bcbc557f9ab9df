import { join } from 'node:path';
import { quote, settle, sh, timed } from '../../lib/shell.ts';
import type { Work } from '../turn.ts';

const CLONE = 'git clone of 5,000 files';
const STATUS = 'git status there';
const TIMES = 3;

export const git: Work = {
  id: 'git',
  rows: [
    { figure: CLONE, unit: 's' },
    { figure: STATUS, unit: 'ms' },
  ],
  run: async ({ mounted, material, note }) => {
    const to = quote(join(mounted.dir, 'clone'));
    await settle();
    note(CLONE, await timed(`git clone -q --no-hardlinks ${quote(material.repository.path)} ${to}`));
    // The first `git status` may update the index.
    const first = await sh(`git -C ${to} status --porcelain`);
    if (first !== '') throw new Error(`git status finds changes:\n${first.slice(0, 300)}`);
    for (let i = 0; i < TIMES; i++) note(STATUS, (await timed(`git -C ${to} status --porcelain`)) * 1000);
  },
};
