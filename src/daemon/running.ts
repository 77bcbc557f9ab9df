import { readFile, realpath, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { endMountsOf } from '../mounts/doors/fuse-door.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { DataDir } from './data-dir.ts';
import { readJson, writeJson } from './secrets.ts';
import { answers } from './singleton-socket.ts';

/** `over`: killed, but something of it is left, such as a thread that waits in the kernel. */
export type Life = 'alive' | 'over' | 'gone';

const PidFileSchema = Type.Object({ pid: Type.Integer({ minimum: 1 }) });

/** How long what is left of a gateway may take to end once its mount is taken away, ms. */
const PATIENCE = 10_000;

/** What has become of a process. `over` is known on Linux only. */
export async function lifeOf(pid: number): Promise<Life> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'gone';
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return /\) [ZX]/.test(stat) ? 'over' : 'alive';
}

/** What the mounts of a data folder name as their source: its real path. */
export async function mountSource({ root }: Pick<DataDir, 'root'>): Promise<string> {
  return await realpath(root).catch(() => root);
}

/** Notes which process serves the data folder, for whoever finds that it does not answer. */
export async function noteRunning({ running }: DataDir): Promise<void> {
  await writeJson(running, { pid: process.pid });
}

export async function forgetRunning({ running }: DataDir): Promise<void> {
  await rm(running, { force: true });
}

/** The process named in a file that was written while it ran; undefined if it is gone, or another has its number now. */
export async function processIn(file: string): Promise<{ pid: number; life: Exclude<Life, 'gone'> } | undefined> {
  const pid = (await readJson(file, PidFileSchema))?.pid;
  if (pid === undefined) return undefined;
  const life = await lifeOf(pid);
  if (life === 'gone') return undefined;
  const [born, written] = await Promise.all([
    birth(pid),
    stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    ),
  ]);
  return born > written ? undefined : { pid, life };
}

/** When a process began, milliseconds since 1970, give or take a second; 0 where that is not known. */
async function birth(pid: number): Promise<number> {
  const [line, uptime] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''),
    readFile('/proc/uptime', 'utf8').catch(() => ''),
  ]);
  const ticks = Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[19]);
  // proc(5): a tick is a hundredth of a second.
  const age = Number.parseFloat(uptime) * 1000 - ticks * 10;
  return Number.isNaN(age) ? 0 : Date.now() - age - 1000;
}

/**
 * Removes what is left of a gateway that was killed while a thread of it waited in the kernel for its own mount: that
 * thread holds the mount, the sockets and the database until the mount's connection is aborted. Nothing is done to a
 * gateway that lives. Takes 10 s at most.
 */
export async function endRemains(dir: DataDir): Promise<void> {
  if ((await processIn(dir.running))?.life !== 'over') return;
  await endMountsOf(await mountSource(dir));
  for (const until = Date.now() + PATIENCE; Date.now() < until; await sleep(50)) {
    if ((await processIn(dir.running)) === undefined || !(await answers(dir.controlSocket))) return;
  }
}

/** @throws EBUSY if a gateway serves the data folder, or is one that hangs */
export async function refuseSecond(dir: DataDir): Promise<void> {
  await endRemains(dir);
  if (!(await answers(dir.controlSocket))) return;
  const reason = 'a gateway is already running for this data folder; `fjord status` shows it, `fjord down` stops it';
  throw new FsError('EBUSY', 'start', { subject: dir.root, reason });
}
