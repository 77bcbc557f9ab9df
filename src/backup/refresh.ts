import type { Remote } from '../cloud/remote.ts';
import { marksAt } from '../cloud/marks.ts';
import type { Cursor, NodeRecord, SpaceRecord } from '../cloud/records.ts';
import type { Context } from '../vfs/context.ts';
import { isFsError } from '../vfs/fs-error.ts';
import type { BackupIndex, IndexState } from './backup-index.ts';
import { isInTheWay } from './mender.ts';
import { isSameNode, mirroredOf, type Mirrored } from './mirrored.ts';
import type { SourceMark } from './source-entry.ts';
import type { StoreOp } from './store.ts';

const BATCH = 1000;

/**
 * Learns what was changed in the cloud: by the feed if possible, which leaves the index as it is. Otherwise the index is
 * made anew of a snapshot, after which a run puts the whole mirror right: if the index is empty or too old, the cloud has
 * gone back in time, or `anew` is set.
 * @throws as `Remote`
 */
export async function refresh(
  index: BackupIndex,
  remote: Remote,
  space: SpaceRecord,
  context: Context,
  anew: boolean,
): Promise<void> {
  const { state } = index;
  if (anew || state?.space !== space.id) return snapshot(index, remote, space, context);
  try {
    await index.drift.load();
    await feed(index, remote, state, context);
  } catch (error) {
    if (!isFsError(error, 'ESTALE')) throw error;
    await snapshot(index, remote, space, context);
  }
}

async function feed(index: BackupIndex, remote: Remote, before: IndexState, context: Context): Promise<void> {
  const sent = await index.unacknowledged();
  let state = before;
  for (let more = true; more;) {
    more = false;
    for await (const record of remote.feed(state.space, state.cursor, context, state.marks)) {
      if ('cursor' in record) {
        state = { ...state, cursor: record.cursor, marks: marksAt(record.cursor, record.stamp) };
        more = record.more;
      } else if ('id' in record) {
        await apply(index, record, sent);
      }
    }
    if (state !== index.state) await index.setState(state);
  }
  if (sent.size > 0) await index.clear(`${index.half}s`);
}

async function apply(index: BackupIndex, record: NodeRecord, sent: ReadonlySet<string>): Promise<void> {
  const known = index.get(record.id);
  const now = record.removed ? null : mirroredOf(record);
  if (now && !known && (sent.has(now.id) || isInTheWay(now))) return adopt(index, now);
  await index.write(index.drift.observe(record.id, now, known));
}

/** A node that a run has created, or moved out of the way, before it was killed: the next one compares it. */
async function adopt(index: BackupIndex, node: Mirrored): Promise<void> {
  const holder = index.at(node.parent, node.name);
  if (holder && holder.id !== node.id) await index.remove(holder);
  await index.write([...index.drift.clear(node.id), ...index.put(node, undefined)]);
}

/**
 * Collects the snapshot in the other set of rows, and switches when it is complete, so that the run may be killed at
 * any point.
 */
async function snapshot(index: BackupIndex, remote: Remote, space: SpaceRecord, context: Context): Promise<void> {
  const old = index.half;
  const half = old === 'a' ? 'b' : 'a';
  await index.clear(half);
  let ops: StoreOp[] = [];
  let cursor: Cursor | undefined;
  for await (const record of remote.snapshot(space.id, context)) {
    if ('cursor' in record) cursor = record;
    else if ('id' in record) ops.push(...index.put(mirroredOf(record, markOf(index, record, old)), undefined, half));
    if (ops.length < BATCH) continue;
    await index.write(ops);
    ops = [];
  }
  const { source, files } = index.state?.space === space.id ? index.state : {};
  const marks = marksAt(cursor?.cursor ?? 0, cursor?.stamp);
  await index.setState(
    { space: space.id, root: space.root, half, cursor: cursor?.cursor ?? 0, marks, source, files },
    ops,
  );
  await index.clear(old);
  await index.drift.load();
}

/** The recorded state of the source for the same node; without it the file is read again. */
function markOf(index: BackupIndex, record: NodeRecord, half: 'a' | 'b'): SourceMark | undefined {
  const known = index.get(record.id, half);
  return known && isSameNode(mirroredOf(record), { ...known, parent: record.parent, name: record.name })
    ? known.source
    : undefined;
}
