import { posix } from 'node:path';
import type { SpaceState } from '../../cache/tree/catalog.ts';
import type { HeldRemoval } from '../../mounts/sync/follow/removal-guard.ts';
import type { Gateway } from '../../mounts/gateway.ts';
import type { BadName } from '../../mounts/names/name-check.ts';
import type { ParkedChange } from '../../mounts/sync-status.ts';
import { portableName } from '../../vfs/foreign-name.ts';
import { isFsError } from '../../vfs/fs-error.ts';
import { type Found, issueId, word } from './issue-parts.ts';

/** Most issues of one kind. */
const MOST = 1000;

/** What of the drive needs a person, from local data only; the names that are known. */
export async function gatewayIssues(gateway: Gateway, names: readonly BadName[]): Promise<Found[]> {
  return [
    ...(await conflictIssues(gateway)),
    ...parkedIssues(gateway),
    ...heldIssues(gateway),
    ...(await unshownIssues(gateway)),
    ...roomIssues(gateway),
    ...pinIssues(gateway),
    ...damageIssues(gateway),
    ...names.flatMap((name) => nameIssue(gateway, name)),
  ];
}

async function conflictIssues(gateway: Gateway): Promise<Found[]> {
  const found = await gateway.conflicts();
  return found.slice(0, MOST).map(({ key, node, path, name, at }) => {
    const id = issueId('conflict', key);
    const original = posix.join(posix.dirname(path), name);
    const cause = `it was changed here while ${original} was changed elsewhere; both versions are there`;
    const remedy =
      'compare the two; `mine` replaces the other one by this, `theirs` removes this one, `both` keeps them as they are';
    return {
      node,
      issue: { id, kind: 'conflict', path, cause, remedy, command: `fjord resolve ${id} --keep mine`, at },
    };
  });
}

function parkedIssues(gateway: Gateway): Found[] {
  const nodes = new Map<string, ParkedChange>();
  for (const change of gateway.parkedChanges()) {
    if (!nodes.has(change.node)) nodes.set(change.node, change);
    if (nodes.size >= MOST) break;
  }
  return [...nodes.values()].map(({ node, path, code, reason, at }) => {
    const id = issueId('parked', node);
    const about = { id, kind: 'parked', path, cause: `the cloud does not take it: ${reason}`, at } as const;
    return { node, issue: { ...about, ...parkedRemedy(id, path, code) } };
  });
}

function parkedRemedy(id: string, path: string, code: string): { remedy: string; command: string } {
  const command = 'fjord retry';
  switch (code) {
    case 'EDQUOT': {
      return { remedy: 'delete something, or have the quota raised; it is then sent by itself', command };
    }
    case 'EINVAL':
    case 'ENAMETOOLONG': {
      const better = word(portableName(posix.basename(path)));
      return { remedy: 'give it another name', command: `fjord resolve ${id} --rename ${better}` };
    }
    case 'EACCES': {
      return { remedy: 'log in again, or ask the owner of the folder for the right to change it', command };
    }
    default: {
      return { remedy: 'it stays on this computer; retry when the cause is gone', command };
    }
  }
}

function heldIssues(gateway: Gateway): Found[] {
  const { catalog } = gateway.stack;
  return gateway.status().held.map((held) => {
    const space = catalog.space(held.space);
    const root = catalog.get(space?.root ?? '');
    const { files, gone, by } = held;
    const who = by.length === 0 ? 'another device' : by.join(', ');
    const before = gone === 0 ? '' : `, after ${gone} within an hour that are gone here, too`;
    return {
      issue: {
        id: issueId('held', held.space),
        kind: 'held',
        ...(root === undefined ? {} : { path: catalog.path(root) }),
        cause: `${files} files were removed by ${who}${before}; that is more than half, so these ${files} are kept here`,
        remedy: `if that was meant, confirm it; if not, ${restoring(held, isOwner(space))}`,
        command: 'fjord confirm',
      },
    };
  });
}

/** Whether what is removed from a space is in the Trash of this account. */
function isOwner(space: SpaceState | undefined): boolean {
  return space?.role === undefined || space.role === 'owner';
}

function restoring({ by, since }: HeldRemoval, isOwned: boolean): string {
  const [only] = by.length === 1 ? by : [];
  const who = only === undefined || !isOwned ? '' : ` --by ${word(only)}`;
  // Up to a minute too early.
  const time = since === undefined ? '1d' : `${new Date(since).toISOString().slice(0, 16)}Z`;
  const command = `fjord trash restore${who} --since ${time}`;
  return isOwned
    ? `\`${command}\` gets all of them back`
    : `the owner of the folder gets them back with \`${command}\``;
}

async function unshownIssues(gateway: Gateway): Promise<Found[]> {
  const { first } = await gateway.issues();
  return first.map(({ space, node, path, reason, at, rescued }) => {
    if (rescued !== undefined) {
      const id = issueId('rescued', `${space}/${node}`);
      const remedy = 'copy what you need out of that folder; the issue ends when the folder is removed';
      return { issue: { id, kind: 'rescued', path, cause: reason, remedy, command: `ls -R ${word(rescued)}`, at } };
    }
    const id = issueId('unshown', `${space}/${node}`);
    const remedy =
      'it is in the cloud and nothing else is affected; rename or remove it there, in the web app or on the computer that has made it';
    return { issue: { id, kind: 'unshown', path, cause: reason, remedy, at } };
  });
}

function roomIssues(gateway: Gateway): Found[] {
  const found: Found[] = [];
  try {
    gateway.stack.writer.checkRoom();
  } catch (error) {
    if (!isFsError(error)) throw error;
    found.push({
      issue: {
        id: issueId('disk', ''),
        kind: 'disk',
        cause: 'the disk of the cache is full: nothing can be changed in the drive',
        remedy: 'free some space on it, for instance by dropping cached content, or set another cache.dir',
        command: 'fjord free /',
      },
    });
  }
  const quota = gateway.stack.quota.last;
  if (quota !== undefined && quota.quota > 0 && quota.used >= quota.quota) {
    found.push({
      issue: {
        id: issueId('quota', ''),
        kind: 'quota',
        cause: "the account's quota is used up: nothing new is uploaded",
        remedy: 'empty the Trash, delete something, or have the quota raised',
        command: 'fjord trash purge --all',
      },
    });
  }
  return found;
}

function pinIssues(gateway: Gateway): Found[] {
  const { catalog } = gateway.stack;
  const { unfit, failed } = gateway.pins().status;
  const pathOf = (node: string | undefined): { readonly path?: string } => {
    const entry = node === undefined ? undefined : catalog.get(node);
    return entry === undefined ? {} : { path: catalog.path(entry) };
  };
  const found: Found[] = [];
  if (unfit.files > 0) {
    found.push({
      issue: {
        id: issueId('pin', 'unfit'),
        kind: 'pin',
        ...pathOf(unfit.first),
        cause: `the cache has no room for ${unfit.files} pinned files (${unfit.bytes} bytes), this one first`,
        remedy: 'raise cache.size in the settings, free some of the disk, or unpin something',
        command: 'fjord pin',
      },
    });
  }
  if (failed.files > 0) {
    found.push({
      issue: {
        id: issueId('pin', 'failed'),
        kind: 'pin',
        ...pathOf(failed.first),
        cause: `${failed.files} pinned files could not be fetched, this one first; they are tried again every ten minutes`,
        remedy: 'look whether the cloud has their content',
        command: 'fjord cloud verify',
      },
    });
  }
  return found;
}

function damageIssues(gateway: Gateway): Found[] {
  const { damaged, stuck } = gateway.status();
  const found: Found[] = [];
  if (damaged > 0) {
    found.push({
      issue: {
        id: issueId('damage', ''),
        kind: 'damage',
        cause: `the cloud has found ${damaged} damaged blocks; a computer that has the content uploads it again`,
        remedy: 'on the computer of the cloud, this names the files',
        command: 'fjord cloud verify',
      },
    });
  }
  if (stuck !== undefined) {
    found.push({
      issue: {
        id: issueId('stuck', ''),
        kind: 'stuck',
        path: stuck.path,
        cause: 'it is not sent, for no known reason',
        remedy: 'restart Fjord, and please report this',
        command: 'fjord down --no-flush',
      },
    });
  }
  return found;
}

const FAULTS = {
  characters: 'it has characters that Windows cannot have in a name',
  ending: 'Windows cannot have a name that ends with a dot or a space',
  reserved: 'Windows reserves this name for a device',
} as const;

/** Nothing if the name was changed since it was looked at. */
function nameIssue(gateway: Gateway, { node, fault, other, better }: BadName): Found[] {
  const { catalog } = gateway.stack;
  const entry = catalog.get(node);
  if (entry === undefined || !catalog.isReachable(entry)) return [];
  if (other !== undefined && catalog.child(entry.parent, other) === undefined) return [];
  const id = issueId('name', node);
  const path = catalog.path(entry);
  const twin = `systems that ignore case or the form of Unicode take it for "${other ?? ''}", which is in the same folder`;
  const cause = fault === 'twin' ? twin : FAULTS[fault];
  const remedy = 'here and on other systems that can have it nothing is wrong; to have it everywhere, rename it';
  const command = `fjord resolve ${id} --rename ${word(better)}`;
  return [{ node, issue: { id, kind: 'name', advice: true, path, cause, remedy, better, command } }];
}
