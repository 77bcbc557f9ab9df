import { agreedAttributes, type Base, type Entry, looksSame, nextCtime } from '../../../cache/tree/entry.ts';
import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { NodeRecord } from '../../../cloud/records.ts';
import { assign } from '../../../vfs/assign.ts';
import { isCreation } from '../../intents/plan.ts';

/** Which parts of a node were changed on this computer and are not in the cloud yet. */
export interface LocalChanges {
  /** The cloud does not know the node. */
  readonly isNew: boolean;
  readonly place: boolean;
  readonly content: boolean;
  readonly attr: boolean;
  readonly removal: boolean;
}

export function localChangesOf(intents: readonly PendingIntent[]): LocalChanges {
  const isNew = intents.some(isCreation);
  return {
    isNew,
    place: isNew || intents.some(({ op }) => op === 'move'),
    content: intents.some(({ op }) => op === 'put'),
    attr: intents.some(({ op }) => op !== 'move' && op !== 'remove'),
    removal: intents.some(({ op }) => op === 'remove'),
  };
}

/** The state that a record of the cloud describes. */
export function baseOf(record: NodeRecord): Base {
  const { parent, name, version, hash, rev } = record;
  return { parent, name, version, hash, rev, attributes: agreedAttributes(record) };
}

/**
 * The entry that shows a record of the cloud, except for the parts that were changed here. `parent` is the record's,
 * under the id that it has here.
 * The ctime is this computer's: it moves only if the record changes what is shown, which the cloud's response to a
 * local change does not. Programs compare it (git, `rsync`, backups), and have already seen it.
 */
export function merge(before: Entry | undefined, record: NodeRecord, local: LocalChanges, parent: string): Entry {
  if (before === undefined) return fresh(record, parent);
  const { base: _base, mount: _mount, ...kept } = before;
  const merged: Entry = assign(kept, {
    rev: record.rev,
    ...(local.place ? {} : { parent, name: record.name, space: record.space }),
    ...(record.mount === undefined ? {} : { mount: record.mount }),
    ...(local.attr ? {} : attributesOf(record, kept)),
    ...(local.content ? {} : content(before, record)),
    ...(isLocal(local) ? { base: mergedBase(before, record, local) } : {}),
  });
  return looksSame(merged, before) ? merged : { ...merged, ctime: nextCtime(before, record.ctime) };
}

/** True if the record changes a part that was changed here, too: the cloud's response to our intent decides. */
export function clashes(before: Entry, record: NodeRecord, local: LocalChanges): boolean {
  const { base } = before;
  if (base === undefined || base === null) return local.isNew;
  const content = local.content && record.version !== base.version;
  const place = local.place && (record.parent !== base.parent || record.name !== base.name);
  return content || place;
}

function fresh(record: NodeRecord, parent: string): Entry {
  const { id, space, name, kind, mode, mtime, birthtime, ctime, rev, size, version, hash, target, xattrs } = record;
  const times = { mtime, birthtime, ctime };
  return {
    id,
    space,
    parent,
    name,
    kind,
    size,
    mode,
    ...times,
    rev,
    version: version ?? id,
    ...(version === null ? {} : { remote: version }),
    ...(hash === null ? {} : { hash }),
    ...(target === undefined ? {} : { target }),
    ...(record.mount === undefined ? {} : { mount: record.mount }),
    ...(xattrs === undefined ? {} : { xattrs }),
  };
}

/** The attributes of a record, for an entry that has shown others. */
export function attributesOf({ mode, mtime, birthtime, xattrs }: NodeRecord, before: Entry): Partial<Entry> {
  const times = { mode, mtime, birthtime };
  if (xattrs !== undefined) return { ...times, xattrs };
  return before.xattrs === undefined ? times : { ...times, xattrs: {} };
}

/** Equal bytes keep the shown version, so that programs' caches stay valid. */
function content(before: Entry, { size, version, hash }: NodeRecord): Partial<Entry> {
  if (version === null) return {};
  const same = before.remote === version || before.version === version || (hash !== null && before.hash === hash);
  return { size, remote: version, version: same ? before.version : version, ...(hash === null ? {} : { hash }) };
}

function isLocal(local: LocalChanges): boolean {
  return local.place || local.attr || local.content || local.removal;
}

function mergedBase(before: Entry, record: NodeRecord, local: LocalChanges): Base {
  const { base } = before;
  const now = baseOf(record);
  if (base === undefined || base === null) return now;
  const { version, hash } = local.content ? base : now;
  const { parent, name } = local.place ? base : now;
  const space = local.place && record.space !== before.space ? { space: record.space } : {};
  return { ...now, ...space, parent, name, version, hash };
}
