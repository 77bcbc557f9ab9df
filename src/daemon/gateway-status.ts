import type { Gateway, GatewayStatus } from '../mounts/gateway.ts';
import { background } from '../vfs/context.ts';
import type { Status } from './control/wire.ts';
import { describePins } from './pin-controls.ts';
import type { MountState } from './mount-point.ts';

/** The properties that do not change while the gateway runs. */
export type Circumstances = Pick<Status, 'pid' | 'started' | 'version' | 'dir' | 'account' | 'device' | 'webdav'> & {
  readonly cloudUrl: string;
};

/** The gateway's state as `fjord status` shows it. Uses only local data, so it works without the network. */
export async function describeStatus(
  gateway: Gateway,
  circumstances: Circumstances,
  { dir: mount, problem }: MountState,
  parts: Pick<Status, 'backups' | 'folders' | 'limits' | 'transferred' | 'open'>,
): Promise<Status> {
  const { cloudUrl, ...rest } = circumstances;
  const status = gateway.status();
  const issues = await gateway.issues();
  const { total, used } = await gateway.fs.statfs(gateway.fs.root, background);
  return {
    ...rest,
    mount,
    ...(problem === undefined ? {} : { mountProblem: problem }),
    cloud: { url: cloudUrl, ...connection(status) },
    queued: { files: status.queued, bytes: status.bytes },
    parked: status.parkedChanges.map(({ path, code, reason, at }) => ({ path, code, reason, at })),
    parkedCount: status.parked,
    behindParked: status.behind,
    ...(status.stuck === undefined ? {} : { stuck: status.stuck.path }),
    ...parts,
    conflicts: (await gateway.conflicts()).length,
    held: status.held.map(({ space, files }) => ({ space: spacePath(gateway, space), files })),
    issues: issues.first.map(({ path, reason, at }) => ({ path, reason, at })),
    issueCount: issues.count,
    cache: { used: status.cache.bytes, limit: status.cache.limit },
    pins: describePins(gateway),
    ...(total > 0 ? { usage: { quota: total, used } } : {}),
    ...(status.damaged > 0 ? { damaged: status.damaged } : {}),
  };
}

function connection({ offlineSince, push, error, verified }: GatewayStatus): Omit<Status['cloud'], 'url'> {
  const offline = offlineSince !== undefined || (push === 'down' && error !== undefined);
  const state = offline ? 'offline' : push === 'up' ? 'live' : 'polling';
  return {
    state,
    ...(state === 'live' || error === undefined ? {} : { reason: error }),
    ...(state !== 'offline' || offlineSince === undefined ? {} : { since: offlineSince }),
    verified,
  };
}

function spacePath(gateway: Gateway, id: string): string {
  const { catalog } = gateway.stack;
  const root = catalog.get(catalog.space(id)?.root ?? '');
  return root === undefined ? id : catalog.path(root);
}
