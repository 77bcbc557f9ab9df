import { background as context } from '../../src/vfs/context.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';
import type { Device } from './device.ts';
import { failure } from './failure.ts';
import type { World } from './world.ts';

/** How often everything is sent and shown until it must be at rest. */
const ROUNDS = 25;
/** Why a copy, or a change of a part, cannot be sent whose content is nowhere any more. */
const LOST = /the version that it (is a copy of|changes) is no longer in the cloud/;
/** Why a content cannot be sent that a loss of power has taken, in part or in whole. */
const CUT_OFF = /survived a power loss|there is no such staged file/;

/** Sends and shows everything until nothing is left to do. */
export async function comeToRest(world: World): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, gateway } of world.devices) {
      await patiently(world, () => gateway.flush(), `flush of ${name}`);
      await patiently(world, () => gateway.pull(context), `pull of ${name}`);
      gateway.confirm();
    }
    await world.wait(1000);
    if (await isAtRest(world)) return;
  }
  throw failure('stuck', world.devices.map(describeQueue).join('\n') || 'the gateways do not come to rest');
}

async function patiently(world: World, work: () => Promise<void>, what: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await world.until(work(), what);
    } catch (error) {
      if (tries < 20 && (isFsError(error, 'EAGAIN') || isFsError(error, 'ESTALE'))) continue;
      if (await removeLostCopies(world)) continue;
      if (what.startsWith('flush'))
        throw failure('stuck', `${String(error)}\n${world.devices.map(describeQueue).join('\n')}`);
      throw error;
    }
  }
}

/**
 * A person removes copies by reference, and files changed in part, of versions that the cloud has let go of since, as others changed
 * the file again and again, and whose bytes are not on that computer.
 */
async function removeLostCopies(world: World): Promise<boolean> {
  let any = false;
  for (const device of world.devices) {
    const { gateway } = device;
    const { journal, catalog } = gateway.stack;
    for (const { node, parked } of journal.all()) {
      const entry = catalog.get(node);
      if (parked === undefined || entry === undefined) continue;
      if (!LOST.test(parked.reason) && !CUT_OFF.test(parked.reason)) continue;
      const changed = device.staged(entry);
      if (changed !== undefined && LOST.test(parked.reason)) world.contents.release(changed);
      await world.until(Promise.resolve(gateway.fs.unlink(entry.parent, entry.name, context)), 'rm');
      any = true;
    }
  }
  return any;
}

async function isAtRest(world: World): Promise<boolean> {
  const cursors = new Set<string>();
  for (const { gateway, account } of world.devices) {
    if (gateway.status().queued > 0) return false;
    const spaces = await world.until(gateway.stack.catalog.spaces(), 'spaces');
    cursors.add(JSON.stringify([account, spaces.map(({ id, cursor }) => [id, cursor])]));
  }
  return cursors.size === new Set(world.devices.map(({ account }) => account)).size;
}

function describeQueue({ name, gateway }: Device): string {
  const { journal } = gateway.stack;
  return [...journal.all()]
    .map((intent) => `  ${name} ${journal.isClaimed(intent.seq) ? 'claimed ' : ''}${JSON.stringify(intent)}`)
    .join('\n');
}
