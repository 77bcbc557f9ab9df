import { readFile } from 'node:fs/promises';

/** `over`: killed, but not completely gone, for example because a thread waits in the kernel. */
export type Life = 'alive' | 'over' | 'gone';

/** The state of a process. `over` is only detected on Linux. */
export async function lifeOf(pid: number): Promise<Life> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'gone';
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return /\) [ZX]/.test(stat) ? 'over' : 'alive';
}
