import { setPriority } from 'node:os';
import koffi from 'koffi';

/** setpriority(2): 19 gives way to all others, 0 is the usual one. */
const NICE = 10;
/** ioprio_set(2): for one thread, the lowest level of the class "best effort"; the idle class would starve on a busy disk. */
const WHO_PROCESS = 1;
const BEST_EFFORT_LOWEST = (2 << 13) | 7;
const SYSCALLS: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 251, arm64: 30 };

/**
 * Lets the calling thread give way to others for the CPU and the disk. On Linux only, where both calls are about a thread; does nothing
 * where the system has no such call or refuses it.
 */
export function lowerThreadPriority(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, NICE);
    const ioprioSet = SYSCALLS[process.arch];
    if (ioprioSet === undefined) return;
    const types = ['long', 'long', 'long', 'long'];
    koffi.load('libc.so.6').func('syscall', 'long', types)(ioprioSet, WHO_PROCESS, 0, BEST_EFFORT_LOWEST);
  } catch {
    // A thread that is not slowed down does the same work.
  }
}
