import { background as context } from '../../src/vfs/context.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';
import type { Device } from './device.ts';
import { failure } from './failure.ts';
import type { World } from './world.ts';

/** How often everything is sent and shown until it must be at rest. */
const ROUNDS = 25;

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
      if (what.startsWith('flush'))
        throw failure('stuck', `${String(error)}\n${world.devices.map(describeQueue).join('\n')}`);
      throw error;
    }
  }
}

async function isAtRest(world: World): Promise<boolean> {
  const cursors = new Set<string>();
  for (const { gateway } of world.devices) {
    if (gateway.status().queued > 0) return false;
    const spaces = await world.until(gateway.stack.catalog.spaces(), 'spaces');
    cursors.add(JSON.stringify(spaces.map(({ id, cursor }) => [id, cursor])));
  }
  return cursors.size === 1;
}

function describeQueue({ name, gateway }: Device): string {
  const { journal } = gateway.stack;
  return [...journal.all()]
    .map((intent) => `  ${name} ${journal.isClaimed(intent.seq) ? 'claimed ' : ''}${JSON.stringify(intent)}`)
    .join('\n');
}
