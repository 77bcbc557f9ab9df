import type { Op } from '../../src/cache/db/group-writer.ts';
import { type Entry, entryKey } from '../../src/cache/tree/entry.ts';
import { catalogTree, compare } from './check.ts';
import type { Device } from './device.ts';
import { failure } from './failure.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Most records of a catalog that are damaged. */
const MOST = 4;

/** Checks that all catalogs equal the cloud by the digests of both sides: nothing may need a repair. */
export async function checkVerified(world: World): Promise<void> {
  for (const device of world.devices) {
    const { repaired, problem } = await verify(world, device);
    if (repaired > 0 || problem !== undefined) {
      throw failure('trees', `${device.name} has repaired ${repaired} entries; ${problem ?? 'now all are right'}`);
    }
  }
}

/** Damages some records of each catalog, and checks that all of it is noticed and repaired. */
export async function checkRepair(world: World, random: Random): Promise<void> {
  for (const device of world.devices) {
    const before = catalogTree(device);
    const done: string[] = [];
    for (let count = 1 + random.below(MOST); count > 0; count--) done.push(await damage(world, random, device));
    const { problem } = await verify(world, device);
    if (problem !== undefined) throw failure('trees', `${device.name} is not repaired: ${problem}\n${done.join('\n')}`);
    try {
      compare(`${device.name}, repaired`, catalogTree(device), 'before', before);
    } catch (error) {
      throw failure('trees', `${String(error)}\n${done.join('\n')}`);
    }
  }
}

async function verify(world: World, device: Device): Promise<{ repaired: number; problem?: string }> {
  return await world.until(device.gateway.verify(), 'verify');
}

/** Returns what was damaged, for the message of a failure. */
async function damage(world: World, random: Random, device: Device): Promise<string> {
  const entries = device.entries().filter(({ rev, local, base }) => rev > 0 && local !== true && base === undefined);
  if (entries.length === 0) return 'nothing';
  const [one, other] = [random.pick(entries), random.pick(entries)];
  const [what, ops] = damageOf(random, one, other);
  await world.until(device.gateway.stack.writer.write(ops), 'damage');
  return `${what}: ${JSON.stringify(one)}`;
}

function damageOf(random: Random, one: Entry, other: Entry): [what: string, ops: Op[]] {
  const kind = random.pick(['remove', 'rename', 'move', 'ghost', 'content', 'attributes', 'rev', 'place', 'twin']);
  switch (kind) {
    case 'remove':
      return [kind, removed(one)];
    case 'rename':
      return [kind, [...removed(one), ...put({ ...one, name: random.pick(['a', 'b', 'c', 'd', 'wrong']) })]];
    case 'move':
      return [kind, [...removed(one), ...put({ ...one, parent: other.kind === 'folder' ? other.id : other.parent })]];
    case 'ghost':
      return [kind, put({ ...one, id: `ghost${random.below(1000)}`, name: random.pick(['a', 'b', 'ghost']) })];
    case 'content': {
      const { remote, hash, size, version } = other;
      return [
        kind,
        put({
          ...one,
          ...(remote === undefined ? {} : { remote }),
          ...(hash === undefined ? {} : { hash }),
          size,
          version,
        }),
      ];
    }
    case 'attributes':
      return [kind, put({ ...one, mode: 0o111, mtime: 1, xattrs: { 'user.wrong': 'AA==' } })];
    case 'rev':
      return [kind, put({ ...one, rev: random.pick([1, one.rev + 1, 1_000_000]) })];
    case 'place':
      return [kind, [{ type: 'del', table: 'places', key: one.id }]];
    default:
      return [
        kind,
        [{ type: 'put', table: 'entries', key: entryKey(one.parent, 'twin'), value: { ...one, name: 'twin' } }],
      ];
  }
}

function removed(entry: Entry): Op[] {
  return [
    { type: 'del', table: 'entries', key: entryKey(entry.parent, entry.name) },
    { type: 'del', table: 'places', key: entry.id },
  ];
}

function put(entry: Entry): Op[] {
  const key = entryKey(entry.parent, entry.name);
  return [
    { type: 'put', table: 'entries', key, value: entry },
    { type: 'put', table: 'places', key: entry.id, value: key },
  ];
}
