import crypto from 'node:crypto';
import fs, { constants } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';
import workers from 'node:worker_threads';
import { openFiles, type SimulatedDisk } from './disk.ts';
import type { Random } from './random.ts';
import type { Planned, Timeline } from './timeline.ts';
import { simulatedWorker } from './worker.ts';

/** The simulated machine, as seen by the simulated code. */
export interface Machine {
  readonly timeline: Timeline;
  readonly random: Random;
  /** The disk that a path is on. */
  disk(path: string): SimulatedDisk;
  /** Resolves when the disk has completed the operation. */
  delay(): Promise<void>;
}

/** Paths that are on simulated disks. */
export const ROOT = '/simulated';

let machine: Machine | undefined;

/** The current machine. @throws Error if no simulation is running */
function current(): Machine {
  if (machine === undefined) throw new Error('no world');
  return machine;
}

type Functions = Record<string, (...args: never[]) => unknown>;

/**
 * Replaces Node's clocks, timers, random numbers, files and threads by those of a simulated machine, until the returned
 * function is called. Modules and their libraries import these by name from Node, so no use can be missed. Calls about
 * other paths and descriptors are passed to the system.
 */
export function install(next: Machine): () => void {
  if (machine !== undefined) throw new Error('one world at a time');
  machine = next;
  const undo: (() => void)[] = [];
  const put = (object: object, replacements: object): void => {
    for (const [name, value] of Object.entries(replacements)) {
      const before = Object.getOwnPropertyDescriptor(object, name);
      Object.defineProperty(object, name, {
        value,
        configurable: true,
        writable: true,
        enumerable: before?.enumerable ?? true,
      });
      undo.push(() => {
        if (before === undefined) delete (object as Record<string, unknown>)[name];
        else Object.defineProperty(object, name, before);
      });
    }
  };
  put(
    fs,
    routed(fs as unknown as Functions, syncCalls, (path) => current().disk(path)),
  );
  put(fs, callbackCalls(fs as unknown as Functions));
  put(
    fs.promises,
    routed(fs.promises as unknown as Functions, promisedCalls, (path) => current().disk(path)),
  );
  put(globalThis, { ...timerCalls, FinalizationRegistry: NoFinalization });
  put(timers, timerCalls);
  put(timersPromises, promisedTimers);
  put(Date, { now: () => Math.floor(current().timeline.now + current().timeline.skew) });
  put(performance, { now: () => current().timeline.now });
  // Gateways run by root inspect other processes, which are not simulated.
  put(process, { getuid: () => 1000 });
  put(Math, { random: () => current().random.next() });
  put(crypto, { randomUUID, randomBytes, randomFillSync: fill });
  put(globalThis.crypto, { randomUUID, getRandomValues: fill });
  put(workers, { Worker: simulatedWorker(() => current().timeline, threads) });
  syncBuiltinESMExports();
  return () => {
    for (const step of undo.toReversed()) step();
    syncBuiltinESMExports();
    machine = undefined;
  };
}

const isSimulated = (path: unknown): path is string => typeof path === 'string' && path.startsWith(ROOT);
const isOpen = (fd: unknown): fd is number => typeof fd === 'number' && openFiles.has(fd);

/** Calls that go to a simulated disk if their first argument is on one. */
function routed(
  system: Functions,
  calls: Readonly<Record<string, (disk: SimulatedDisk, ...args: never[]) => unknown>>,
  diskOf: (path: string) => SimulatedDisk,
): Functions {
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      (...args: never[]) => {
        const [first] = args as unknown[];
        if (isOpen(first)) return call(undefined as never, ...args);
        return isSimulated(first) ? call(diskOf(first), ...args) : system[name]?.apply(system, args);
      },
    ]),
  );
}

const syncCalls = {
  openSync: (disk: SimulatedDisk, path: string, flags: number | 'a' | 'r' | 'w' | 'ax' | 'wx') =>
    disk.open(path, flagsOf(flags)),
  closeSync: (_disk: SimulatedDisk, fd: number) => openFiles.close(fd),
  readSync: (_disk: SimulatedDisk, fd: number, into: Uint8Array, offset: number, length: number, position: number) =>
    openFiles.read(fd, into.subarray(offset, offset + length), position),
  writeSync: (
    _disk: SimulatedDisk,
    fd: number,
    from: Uint8Array,
    offset: number,
    length: number,
    position: number | null,
  ) => openFiles.write(fd, from.subarray(offset, offset + length), position ?? openFiles.size(fd)),
  fstatSync: (_disk: SimulatedDisk, fd: number) => ({ size: openFiles.size(fd) }),
  ftruncateSync: (_disk: SimulatedDisk, fd: number, size: number) => openFiles.truncate(fd, size),
  mkdirSync: (disk: SimulatedDisk, path: string) => disk.mkdir(path),
  readdirSync: (disk: SimulatedDisk, path: string) => disk.readdir(path),
  readFileSync: (disk: SimulatedDisk, path: string) => disk.bytes(path),
  rmSync: (disk: SimulatedDisk, path: string, options?: { force?: boolean }) => remove(disk, path, options),
  existsSync: (disk: SimulatedDisk, path: string) => disk.exists(path),
  unlinkSync: (disk: SimulatedDisk, path: string) => disk.unlink(path),
  renameSync: (disk: SimulatedDisk, from: string, to: string) => disk.rename(from, to),
  linkSync: (disk: SimulatedDisk, from: string, to: string) => disk.link(from, to),
  statfsSync: (disk: SimulatedDisk) => ({ bavail: disk.free, bsize: 1 }),
};

const later = async <T>(work: () => T): Promise<T> => {
  await current().delay();
  return work();
};

const promisedCalls = {
  mkdir: (disk: SimulatedDisk, path: string) => later(() => disk.mkdir(path)),
  readdir: (disk: SimulatedDisk, path: string) => later(() => disk.readdir(path)),
  rm: (disk: SimulatedDisk, path: string, options?: { force?: boolean }) => later(() => remove(disk, path, options)),
  unlink: (disk: SimulatedDisk, path: string) => later(() => disk.unlink(path)),
  stat: (disk: SimulatedDisk, path: string) => later(() => disk.stat(path)),
  copyFile: (disk: SimulatedDisk, from: string, to: string) => later(() => disk.copyFile(from, to)),
  open: (disk: SimulatedDisk, path: string, flags: 'r' | 'r+') =>
    later(() => {
      const fd = disk.open(path, flagsOf(flags));
      const sync = (): Promise<void> => later(() => openFiles.sync(fd));
      const close = (): Promise<void> => later(() => openFiles.close(fd));
      return { fd, sync, datasync: sync, close, [Symbol.asyncDispose]: close };
    }),
};

type Callback = (error: unknown, count?: number) => void;

function callbackCalls(system: Functions): Functions {
  const call = (name: string, work: (fd: number, ...args: never[]) => number | void) => [
    name,
    (...args: never[]) => {
      const [fd] = args as unknown[];
      if (!isOpen(fd)) return system[name]?.apply(system, args);
      const callback = args.at(-1) as unknown as Callback;
      return void later(() => work(fd, ...args.slice(1))).then(
        (count) => callback(null, count ?? undefined),
        (error: unknown) => callback(error),
      );
    },
  ];
  return Object.fromEntries([
    call('read', (fd, into: Uint8Array, offset: number, length: number, position: number) =>
      openFiles.read(fd, into.subarray(offset, offset + length), position),
    ),
    call('write', (fd, from: Uint8Array, offset: number, length: number, position: number) =>
      openFiles.write(fd, from.subarray(offset, offset + length), position),
    ),
    call('fdatasync', (fd) => openFiles.sync(fd)),
  ]) as Functions;
}

function remove(disk: SimulatedDisk, path: string, { force = false }: { force?: boolean } = {}): void {
  if (force && !disk.exists(path)) return;
  disk.unlink(path);
}

function flagsOf(flags: number | string): number {
  if (typeof flags === 'number') return flags;
  const { O_CREAT, O_EXCL, O_RDWR, O_TRUNC } = constants;
  const known: Readonly<Record<string, number>> = {
    r: 0,
    'r+': O_RDWR,
    a: O_CREAT,
    w: O_CREAT | O_TRUNC,
    ax: O_CREAT | O_EXCL,
    wx: O_CREAT | O_EXCL,
  };
  const number = known[flags];
  if (number === undefined) throw new Error(`flags ${flags}`);
  return number;
}

/** See `src/cache/disk/file-maker-thread.mjs`. */
const threads = {
  'file-maker-thread.mjs': (paths: readonly string[]): number[] => {
    return paths.map((path) =>
      current()
        .disk(path)
        .open(path, constants.O_CREAT | constants.O_RDWR),
    );
  },
};

/** Garbage collection cannot be controlled, so finalizers never run. */
class NoFinalization {
  register(): void {}

  unregister(): boolean {
    return false;
  }
}

/** A timer's handle. */
class Timer {
  readonly #ms: number;
  readonly #repeat: boolean;
  readonly #run: () => void;
  #planned: Planned;

  constructor(run: () => void, ms: unknown, repeat: boolean, what: string) {
    this.#ms = Math.max(1, Number(ms) || 1);
    this.#repeat = repeat;
    this.#run = run;
    this.#planned = this.#plan(what);
  }

  #plan(what: string): Planned {
    return current().timeline.plan(this.#ms, what, () => {
      if (this.#repeat) this.#planned = this.#plan(what);
      this.#run();
    });
  }

  stop(): void {
    machine?.timeline.cancel(this.#planned);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

type Run = (...args: unknown[]) => void;

function stop(timer: unknown): void {
  if (timer instanceof Timer) timer.stop();
  else if (timer !== undefined && timer !== null) system.clearTimeout(timer as NodeJS.Timeout);
}

const system = { clearTimeout };

const timerCalls = {
  setTimeout: (run: Run, ms?: number, ...args: unknown[]) => new Timer(() => run(...args), ms, false, `timeout ${ms}`),
  setInterval: (run: Run, ms?: number, ...args: unknown[]) => new Timer(() => run(...args), ms, true, `interval ${ms}`),
  setImmediate: (run: Run, ...args: unknown[]) => current().timeline.plan(0, 'immediate', () => run(...args)),
  clearTimeout: stop,
  clearInterval: stop,
  clearImmediate: (planned: Planned | undefined) => planned !== undefined && machine?.timeline.cancel(planned),
};

const promisedTimers = {
  setTimeout: <T>(ms: number, value?: T, { signal }: { signal?: AbortSignal } = {}): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const abort = (): void => {
        timer.stop();
        reject(Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' }));
      };
      const timer = new Timer(
        () => {
          signal?.removeEventListener('abort', abort);
          resolve(value);
        },
        ms,
        false,
        `sleep ${ms}`,
      );
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    }),
  setImmediate: <T>(value?: T): Promise<T | undefined> =>
    new Promise((resolve) => current().timeline.plan(0, 'immediate', () => resolve(value))),
};

function fill<T extends Uint8Array>(into: T): T {
  current().random.bytes(into);
  return into;
}

function randomBytes(length: number): Buffer {
  return fill(Buffer.alloc(length));
}

function randomUUID(): string {
  const bytes = randomBytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
