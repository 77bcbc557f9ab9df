import { join } from 'node:path';
import { FjordProcess, fjordVersion } from '../lib/fjord-process.ts';
import { output } from '../lib/process.ts';
import { quote, sh } from '../lib/shell.ts';

/** A program that keeps a copy of a folder. */
export interface Backup {
  readonly name: string;
  readonly version: string;
  /** Brings the copy up to date. */
  readonly run: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts one that copies `source` and keeps everything below `dir`. */
export type StartBackup = (dir: string, source: string) => Promise<Backup>;

/** `fjord backup run --wait`, to an embedded cloud. */
export const fjordBackup: StartBackup = async (dir, source) => {
  const program = await FjordProcess.start({
    dir: join(dir, 'data'),
    args: ['start', '--port', '0'],
    env: { FJORD_FUSE_MOUNT: '' },
  });
  await program.access();
  await program.command('backup', 'add', source, '--name', 'all', '--schedule', 'manual');
  return {
    name: 'Fjord',
    version: await fjordVersion(),
    run: async () => void (await program.command('backup', 'run', '--wait', 'all')),
    stop: () => program.stop(),
  };
};

/** restic with a repository on the same disk. */
export const restic: StartBackup = async (dir, source) => {
  const restic = `RESTIC_PASSWORD=bench restic --quiet --no-cache --repo ${quote(join(dir, 'repository'))}`;
  await sh(`${restic} init`);
  return {
    name: 'restic',
    version: /restic ([\d.]+)/.exec(await output('restic', ['version']))?.[1] ?? '?',
    run: async () => void (await sh(`${restic} backup ${quote(source)}`)),
    stop: async () => undefined,
  };
};

/** `rclone sync` to another folder of the same disk. (To WebDAV it makes no more than a hundred calls a second.) */
export const rcloneSync: StartBackup = async (dir, source) => ({
  name: 'rclone sync',
  version: await rcloneVersion(),
  run: async () => void (await sh(`${rcloneIn(dir)} sync ${quote(source)} ${quote(join(dir, 'copy'))}`)),
  stop: async () => undefined,
});

function rcloneIn(dir: string): string {
  return `rclone --quiet --config ${quote(join(dir, 'none.conf'))}`;
}

async function rcloneVersion(): Promise<string> {
  return /v([\d.]+)/.exec(await output('rclone', ['version']))?.[1] ?? '?';
}
