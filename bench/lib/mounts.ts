import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { output } from './process.ts';

/** Resolves when something is mounted on the folder. @throws Error if `gone` returns true, or after a minute */
export async function mounted(dir: string, gone: () => boolean = () => false): Promise<void> {
  for (const until = Date.now() + 60_000; !(await isMounted(dir)); await sleep(5)) {
    if (gone()) throw new Error(`the process that should mount on ${dir} has ended`);
    if (Date.now() > until) throw new Error(`nothing is mounted on ${dir} after a minute`);
  }
}

/** Unmounts whatever is mounted on the folder, even if it is in use. */
export async function unmount(dir: string): Promise<void> {
  while (await isMounted(dir)) await output('umount', ['-l', dir]);
}

export async function isMounted(dir: string): Promise<boolean> {
  return (await readFile('/proc/self/mounts', 'utf8')).includes(` ${dir} `);
}
