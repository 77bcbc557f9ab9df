import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { output } from '../../lib/process.ts';
import { quote } from '../../lib/shell.ts';
import { Commands } from '../peak.ts';
import type { Contestant } from '../contestant.ts';

/** Runs `borg serve` here, where borg would have it run by ssh. */
const RSH = '#!/bin/sh\nshift\nexec "$@"\n';

/** borg to `borg serve`, by pipes and without encryption. */
export const borg: Contestant = {
  id: 'borg',
  name: 'borg',
  network: false,
  version: async () => /borg ([\d.]+)/.exec(await output('borg', ['--version']))?.[1] ?? '?',
  start: async (dir, source) => {
    const stored = join(dir, 'repository');
    const rsh = join(dir, 'rsh');
    await writeFile(rsh, RSH);
    await chmod(rsh, 0o755);
    const commands = new Commands(dir);
    const settings = `BORG_RSH=${quote(rsh)} BORG_REPO=${quote(`ssh://bench@localhost${stored}`)} BORG_BASE_DIR=${quote(dir)}`;
    const yes = 'BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RELOCATED_REPO_ACCESS_IS_OK=yes';
    const run = (what: string, cwd = source) => commands.run(`env ${settings} ${yes} borg ${what}`, cwd);
    await run('init --encryption none');
    let last = 0;
    return {
      run: () => run(`create ::${++last} .`),
      restore: async (to) => {
        await run(`extract ::${last}`, to);
        return to;
      },
      stored,
      peak: async () => commands.peak,
      stop: async () => undefined,
    };
  },
};
