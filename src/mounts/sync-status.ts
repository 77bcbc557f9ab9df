import type { Catalog } from '../cache/tree/catalog.ts';
import type { Journal, PendingIntent } from '../cache/tree/journal.ts';
import { type FsError, isFsError } from '../vfs/fs-error.ts';
import type { NodeId } from '../vfs/node.ts';
import type { Follower } from './sync/follow/follower.ts';
import type { HeldRemoval } from './sync/follow/removal-guard.ts';
import type { Uploader } from './sync/upload/uploader.ts';

/** Parked changes that a status names one by one. */
const NAMED = 100;

export interface ParkedChange {
  readonly node: NodeId;
  readonly path: string;
  readonly op: PendingIntent['op'];
  readonly code: string;
  readonly reason: string;
  /** ms */
  readonly at: number;
}

export interface SyncStatus {
  /** Changes that are not in the cloud yet. */
  readonly queued: number;
  /** Bytes of content among them. */
  readonly bytes: number;
  readonly inFlight: number;
  /** Changes that need the user to act. */
  readonly parked: number;
  readonly parkedChanges: readonly ParkedChange[];
  /** Changes that wait for those. */
  readonly behind: number;
  /** The first change that is not sent although nothing prevents it: a bug. */
  readonly stuck: { readonly path: string; readonly op: PendingIntent['op'] } | undefined;
  /** Since when the cloud has been unreachable, ms. */
  readonly offlineSince: number | undefined;
  readonly push: 'up' | 'down';
  /** Mass removals made elsewhere that wait for `fjord confirm`. */
  readonly held: readonly HeldRemoval[];
  /** The last failure to reach the cloud, in words, while there is one. */
  readonly error: string | undefined;
  /** Whether the cloud has refused this computer's token. */
  readonly refused: boolean;
}

export interface SyncStatusParts {
  readonly journal: Journal;
  readonly catalog: Catalog;
  readonly uploader: Pick<Uploader, 'status' | 'behind'>;
  readonly follower: Pick<Follower, 'status'>;
}

export function syncStatus({ journal, catalog, uploader, follower }: SyncStatusParts): SyncStatus {
  let bytes = 0;
  let parked = 0;
  const parkedChanges: ParkedChange[] = [];
  for (const intent of journal.all()) {
    if (intent.op === 'put' && intent.staged !== undefined) bytes += catalog.get(intent.node)?.size ?? 0;
    if (intent.parked === undefined) continue;
    parked++;
    if (parkedChanges.length < NAMED) parkedChanges.push(parkedChange(catalog, intent, intent.parked));
  }
  const { inFlight, offlineSince, error, stuck } = uploader.status;
  const { push, held, error: failure, since } = follower.status;
  const words = messageOf(error) ?? messageOf(failure);
  return {
    queued: journal.size,
    bytes,
    inFlight,
    parked,
    parkedChanges,
    behind: parked > 0 ? uploader.behind : 0,
    stuck: stuck === undefined ? undefined : { path: pathOf(catalog, stuck), op: stuck.op },
    offlineSince: earlier(offlineSince, since),
    push,
    held,
    error: words,
    refused: [error, failure].some((one) => isFsError(one, 'EACCES')),
  };
}

/** Every parked change. */
export function* parkedIn({ journal, catalog }: Pick<SyncStatusParts, 'journal' | 'catalog'>): Generator<ParkedChange> {
  for (const intent of journal.all())
    if (intent.parked !== undefined) yield parkedChange(catalog, intent, intent.parked);
}

function parkedChange(
  catalog: Catalog,
  intent: PendingIntent,
  parked: NonNullable<PendingIntent['parked']>,
): ParkedChange {
  return { ...parked, node: intent.node, path: pathOf(catalog, intent), op: intent.op };
}

/** The path of what an intent is about, as it is now or was. */
export function pathOf(catalog: Catalog, { node, parent, name }: PendingIntent): string {
  const entry = catalog.get(node);
  if (entry !== undefined) return catalog.path(entry);
  const folder = catalog.get(parent);
  return folder === undefined ? name : `${catalog.path(folder)}/${name}`;
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function messageOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return (error as Partial<FsError>).reason ?? error.message;
}
