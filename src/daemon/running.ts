import { readFile, realpath, rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { endMountsOf } from '../mounts/doors/fuse-door.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { DataDir } from './data-dir.ts';
import { lifeOf, type Life } from './process-life.ts';
import { readJson, writeJson } from './secrets.ts';
import { isListening } from './singleton-socket.ts';

const PidFileSchema = Type.Object({ pid: Type.Integer({ minimum: 1 }) });

/** How long the rest of a killed gateway may take to end once its mount is removed, ms. */
const TIMEOUT = 10_000;

/** The source of the mounts of a data folder in the system's mount table: its real path. */
export async function mountSource({ root }: Pick<DataDir, 'root'>): Promise<string> {
  return await realpath(root).catch(() => root);
}

/** Records which process serves the data folder, so that it can be ended if it hangs. */
export async function noteRunning({ running }: DataDir): Promise<void> {
  await writeJson(running, { pid: process.pid });
}

export async function forgetRunning({ running }: DataDir): Promise<void> {
  await rm(running, { force: true });
}

/**
 * The process named in a file that was written while it ran; undefined if it is gone, or its id now belongs to another.
 */
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

/** When a process was started, milliseconds since 1970, accurate to a second; 0 if unknown. */
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
 * Removes the rest of a gateway that was killed while one of its threads was waiting in the kernel for its own mount.
 * That thread holds the mount, the sockets and the database until the mount's connection is aborted. Does nothing to a
 * living gateway. Takes at most 10 s.
 */
export async function endRemains(dir: DataDir): Promise<void> {
  if ((await processIn(dir.running))?.life !== 'over') return;
  await endMountsOf(await mountSource(dir));
  for (const until = Date.now() + TIMEOUT; Date.now() < until; await sleep(50)) {
    if ((await processIn(dir.running)) === undefined || !(await isListening(dir.controlSocket))) return;
  }
}

/** Refuses to start a second gateway. @throws EBUSY if a gateway serves the data folder, or one hangs */
export async function refuseSecond(dir: DataDir): Promise<void> {
  await endRemains(dir);
  if (!(await isListening(dir.controlSocket))) return;
  const reason = 'a gateway is already running for this data folder; `fjord status` shows it, `fjord down` stops it';
  throw new FsError('EBUSY', 'start', { subject: dir.root, reason });
}
