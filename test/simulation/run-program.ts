import type { Entry } from '../../src/cache/tree/entry.ts';
import type { FileHandle } from '../../src/vfs/file-system.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';
import type { Device } from './device.ts';
import { failure } from './failure.ts';
import { TIMEOUT, Pending } from './pending.ts';
import { program, type Work } from './programs.ts';
import type { World } from './world.ts';

/** What a program is told that has asked for what makes no sense, or cannot be done just now. */
const REFUSALS: readonly string[] = [
  'ENOENT',
  'EEXIST',
  'ENOTDIR',
  'EISDIR',
  'ENOTEMPTY',
  'EINVAL',
  'ELOOP',
  'ESTALE',
  'EBADF',
  'EBUSY',
  'ENAMETOOLONG',
  'EPERM',
  'EACCES',
  'EROFS',
  'EXDEV',
  'EAGAIN',
  'EIO',
  'ENOSPC',
  'ENODATA',
  'ENOTSUP',
];

/** Programs of several calls, of which the first may have been done when the last is refused. */
const COMPOSED: ReadonlySet<string> = new Set(['save', 'backup', 'create', 'rewrite']);

/** Programs that go on with a file under whatever name it gets meanwhile. */
const OPENING: ReadonlySet<string> = new Set(['patch', 'append', 'rewrite', 'truncate']);

/** Runs one program to its end, and notes what it was told is written, overwritten or removed. */
export async function runProgram(world: World, device: Device, verb: string, args: readonly string[]): Promise<void> {
  const { run, overwrites } = program(verb);
  if (device.gateway.stack.journal.size === 0) world.contents.trust(device.name);
  const { lives } = device;
  const promised: string[] = [];
  const handles = world.handlesOf(device);
  const work: Work = {
    fs: device.gateway.fs,
    handles,
    changed: (node, text) => {
      if (device.lives !== lives) return;
      const entry = device.gateway.stack.catalog.get(node);
      // What the program has read before may have been replaced since by another computer's version.
      const content = entry && (device.staged(entry) ?? world.contents.of(entry.hash ?? '') ?? text);
      if (content === undefined || entry === undefined) return;
      world.contents.learn(content);
      if (device.isDead || isLocal(device, entry)) return;
      promised.push(content);
    },
  };
  const paths = overwrites?.(args) ?? [];
  const handle = handles.get(args[0] ?? '');
  const old = new Set<string>();
  const opened = OPENING.has(verb) ? world.at(device, args[0] ?? '')?.id : undefined;
  const look = (): void => {
    if (device.lives !== lives || device.isDead) return;
    if (verb === 'mv' && args[0] === args[1]) return;
    for (const path of paths) for (const content of world.seen(device, path)) old.add(content);
    const node = verb === 'add' || verb === 'empty' ? handle?.node : opened;
    const entry = node === undefined ? undefined : device.gateway.stack.catalog.get(node);
    if (entry !== undefined) for (const content of world.contentsOf(device, entry)) old.add(content);
  };
  look();
  const done = await outcome(world, device, run(work, ...args), `${verb} ${args.join(' ')}`, look);
  // Of a program that has died with its gateway nobody knows what it has done.
  if (done === 'refused' && !COMPOSED.has(verb)) return;
  for (const content of old) if (!promised.includes(content)) world.contents.release(content);
  if (done !== 'done') return;
  for (const content of promised.slice(-1)) {
    world.contents.owe(content);
    world.contents.doubt(device.name, content);
  }
  if (verb === 'sync') world.contents.trust(device.name);
  if (verb === 'fsync' && handle !== undefined) noteSync(world, device, handle);
}

/** What the file had when its fsync returned survives a loss of power. */
function noteSync({ contents }: World, device: Device, { node }: FileHandle): void {
  const entry = device.gateway.stack.catalog.get(node);
  const content = entry === undefined ? undefined : device.staged(entry);
  if (content !== undefined) contents.sync(device.name, content);
}

async function outcome(
  world: World,
  device: Device,
  work: Promise<unknown>,
  what: string,
  look: () => void,
): Promise<'done' | 'refused' | 'died'> {
  const { lives } = device;
  const pending = new Pending(work);
  await world.timeline.settle();
  const end = world.timeline.now + TIMEOUT;
  while (pending.isPending && !device.isDead && device.lives === lives) {
    if (!(await world.timeline.step(end))) throw failure('hung', `${what} does not return`);
    look();
  }
  if (device.isDead || device.lives !== lives) return 'died';
  if (pending.state === 'resolved') return 'done';
  const { error } = pending;
  if (!isFsError(error) || !REFUSALS.includes(error.code)) throw failure('crash', error);
  return 'refused';
}

/** Litter stays on its computer, and goes with the folder that it is in. */
function isLocal(device: Device, entry: Entry): boolean {
  return entry.local === true || [...device.gateway.stack.catalog.ancestors(entry)].some(({ local }) => local === true);
}
