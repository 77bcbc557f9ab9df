/**
 * A separate process that mounts a `MemoryFs`, and changes it, bypassing the mount, on request. See `fuse-process.ts`.
 */
import { background as context } from '../../src/vfs/context.ts';
import type { FileSystem } from '../../src/vfs/file-system.ts';
import { FuseMount, type FuseOptions } from '../../src/fuse/mount.ts';
import { NativeMount } from '../../src/fuse/native/mount.ts';
import { splitPath, walk } from '../../src/vfs/walk.ts';
import { FileBytes } from './file-bytes.ts';
import { MemoryFs } from './memory-fs.ts';
import { counting } from './counting.ts';
import { slowed, type Stall } from './slow-fs.ts';

export interface ServeOptions {
  /** Whether every call resolves only after some turns of the event loop. */
  readonly slow?: boolean;
  /** Folder for the bytes of new files, so that they can be backing files; absent: bytes are in memory. */
  readonly files?: string;
  /** The driver; the kernel protocol if absent. */
  readonly driver?: 'kernel' | 'native';
}

/** The messages of the parent; each gets a response with its `id`. */
export interface FuseOrder {
  readonly id: number;
  readonly do:
    | 'write'
    | 'append'
    | 'unlink'
    | 'rename'
    | 'mkdir'
    | 'chmod'
    | 'read'
    | 'stall'
    | 'pending'
    | 'unmount'
    | 'abort'
    | 'flush'
    | 'count'
    | 'nodes'
    | 'die';
  readonly path?: string;
  readonly text?: string;
}

const [dir = '', json = '{}'] = process.argv.slice(2);
const options = JSON.parse(json) as FuseOptions & ServeOptions;
const { files } = options;
const memory = new MemoryFs(files === undefined ? {} : { bytes: () => new FileBytes(files) });
const stall: Stall = { method: undefined, waiting: 0 };
const counted: Record<string, number> = {};
const fs = counting(options.slow ? slowed(memory as FileSystem, stall) : (memory as FileSystem), counted);
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: report };
const Mount = options.driver === 'native' ? NativeMount : FuseMount;
const mount = await Mount.mount({ fs, dir, name: 'fjord-test', options, log });

function report(details: object, message: string): void {
  process.stderr.write(
    `${message} ${JSON.stringify(details, (_, value: unknown) => (value instanceof Error ? value.stack : value))}\n`,
  );
}

async function obey({ do: what, path = '', text = '' }: FuseOrder): Promise<unknown> {
  const names = splitPath(path, 'order');
  const name = names.at(-1) ?? '';
  const folder = (): Promise<string> => walk(memory, names.slice(0, -1), context).then(({ id }) => id);
  switch (what) {
    case 'write': {
      const draft = memory.draft(await folder(), name, {}, context);
      await draft.append(Buffer.from(text), context);
      return await draft.commit({}, context);
    }
    case 'append': {
      const handle = memory.open(
        (await walk(memory, names, context)).id,
        { read: false, write: true, append: true },
        context,
      );
      await handle.write(Buffer.from(text), 0, context);
      return await handle.close();
    }
    case 'read': {
      const { id, size } = await walk(memory, names, context);
      const into = Buffer.alloc(size);
      const handle = memory.open(id, { read: true, write: false }, context);
      await handle.read(into, 0, context);
      await handle.close();
      return into.toString();
    }
    case 'unlink':
      return memory.removeTree(await folder(), name, context);
    case 'mkdir':
      return memory.mkdir(await folder(), name, {}, context);
    case 'rename': {
      const at = await folder();
      return memory.rename({ parent: at, name }, { parent: at, name: text }, {}, context);
    }
    case 'chmod':
      return memory.setattr((await walk(memory, names, context)).id, { mode: Number.parseInt(text, 8) }, context);
    case 'stall':
      stall.method = text === '' ? undefined : text;
      return undefined;
    case 'pending':
      return stall.waiting;
    case 'count': {
      const told = { ...counted };
      for (const name of Object.keys(counted)) delete counted[name];
      return told;
    }
    case 'nodes':
      return mount instanceof FuseMount ? mount.nodes : undefined;
    case 'flush':
      return await mount.flushed();
    case 'unmount':
      return await mount.unmount({ lazy: text === 'lazy' });
    case 'abort':
      return await mount.abort();
    case 'die':
      process.kill(process.pid, 'SIGKILL');
  }
  return undefined;
}

function answer(message: object): void {
  // The parent may be gone, or the mount may end before the response to the request that ended it.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

process.on('message', (order: FuseOrder) => {
  obey(order).then(
    (value) => answer({ id: order.id, value }),
    (error: Error) => answer({ id: order.id, error: error.message }),
  );
});
process.on('disconnect', () => {
  const exit = (): void => process.exit();
  mount.unmount({ lazy: true }).then(exit, exit);
});
answer({ id: 0 });
const closed = await mount.closed;
answer({ id: -1, value: closed.reason });
if (process.connected) process.disconnect();
