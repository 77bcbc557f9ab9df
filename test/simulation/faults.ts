import { background as context } from '../../src/vfs/context.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';
import type { Device } from './device.ts';
import { ROOM } from './disk.ts';
import type { World } from './world.ts';

type Fault = (world: World, device: Device, args: readonly string[]) => Promise<void> | void;

/** What happens to a gateway, and what a person asks of it. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  cut: (_world, device) => device.connect(false),
  heal: (_world, device) => device.connect(true),
  slow: (_world, { network }, [ms]) => void (network.slowness = Number(ms)),
  drop: (_world, { network }, [calls]) => void (network.drop = Number(calls)),
  lose: (_world, { network }, [calls]) => void (network.lose = Number(calls)),
  tear: (_world, { network }, [streams]) => void (network.tear = Number(streams)),
  disks: (world, _device, [ms]) => void (world.diskSlowness = Number(ms)),
  /** All clocks are set to another time. */
  clock: (world, _device, [ms]) => void (world.timeline.skew += Number(ms)),
  /** Another program fills the disk, or frees it again. */
  full: (_world, { disk }, [on]) => void (disk.free = on === '1' ? 0 : ROOM),
  kill: (_world, device, [changes]) => device.armDeath(Number(changes), false),
  power: (_world, device, [changes]) => device.armDeath(Number(changes), true),
  restart: async (world, device) => {
    await world.closeHandles(device);
    await world.until(device.restart(), 'the restart');
  },
  /** The feed is older than what the cloud still has: everything is compared anew. */
  resync: (_world, { gateway }) => {
    void gateway.stack.catalog.spaces().then((spaces) => {
      for (const { id } of spaces) gateway.stack.follower.resync(id);
    });
  },
  /** A person restores what was removed last, in the web app. */
  restore: (world, device) => world.until(world.cloud.restoreNewest(device.id, device.account), 'restore'),
  share: (world, device, [path = '']) => world.share(device, path),
  flush: async (world, { gateway, network }) => {
    if (!network.cut) await world.until(gateway.flush(), 'flush', 60_000).catch(ignoreFlush);
  },
  pull: async (world, { gateway }) => {
    await world.until(gateway.pull(context), 'pull').catch((error: unknown) => {
      if (!isFsError(error)) throw error;
    });
  },
};

/** In the middle of a history others may hold it up. */
function ignoreFlush(): void {}
