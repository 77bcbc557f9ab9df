import type { Remote } from '../cloud/remote.ts';
import { marksAt } from '../cloud/marks.ts';
import type { Cursor, NodeRecord, SpaceRecord } from '../cloud/records.ts';
import type { Context } from '../vfs/context.ts';
import { isFsError } from '../vfs/fs-error.ts';
import type { BackupIndex, IndexState } from './backup-index.ts';
import { mirroredOf } from './mirrored.ts';
import type { SourceMark } from './source-entry.ts';
import type { StoreOp } from './store.ts';

const BATCH = 1000;

/**
 * Updates the index to the state of the cloud: by the feed if possible, otherwise by a snapshot: if the index is empty
 * or too old, the cloud has gone back in time, or `whole` is set.
 * @throws as `Remote`
 */
export async function refresh(
  index: BackupIndex,
  remote: Remote,
  space: SpaceRecord,
  context: Context,
  whole: boolean,
): Promise<void> {
  const { state } = index;
  if (whole || state?.space !== space.id) return snapshot(index, remote, space, context);
  try {
    await feed(index, remote, state, context);
  } catch (error) {
    if (!isFsError(error, 'ESTALE')) throw error;
    await snapshot(index, remote, space, context);
  }
}

async function feed(index: BackupIndex, remote: Remote, before: IndexState, context: Context): Promise<void> {
  let state = before;
  for (let more = true; more;) {
    more = false;
    for await (const record of remote.feed(state.space, state.cursor, context, state.marks)) {
      if ('cursor' in record) {
        state = { ...state, cursor: record.cursor, marks: marksAt(record.cursor, record.stamp) };
        more = record.more;
      } else if ('id' in record) {
        await apply(index, record);
      }
    }
    if (state !== index.state) await index.setState(state);
  }
}

async function apply(index: BackupIndex, record: NodeRecord): Promise<void> {
  const known = index.get(record.id);
  if (record.removed) {
    if (known) await index.remove(known);
    return;
  }
  await index.write(index.put(mirroredOf(record, markOf(index, record, index.half)), known));
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
}

/** The recorded state of the source for the same content; without it the file is read again. */
function markOf(index: BackupIndex, record: NodeRecord, half: 'a' | 'b'): SourceMark | undefined {
  const known = index.get(record.id, half);
  return known?.version === record.version ? known?.source : undefined;
}
