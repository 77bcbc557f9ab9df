import type { Manifest, StagedFile } from '../../../cache/content/content.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import { isTreeRemoval, type PendingIntent } from '../../../cache/tree/journal.ts';
import type { Mark, NodeRecord } from '../../../cloud/records.ts';
import { assign } from '../../../vfs/assign.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { sweepLater } from '../follow/sweep.ts';
import { baseOf, localChangesOf, merge } from '../conflict/merge.ts';
import type { Replica } from '../replica.ts';
import { rebaseSuccessors } from './successors.ts';
import { relabelBelow } from '../follow/relabel.ts';
import { makeRoom } from '../follow/show.ts';

/** An intent as it was sent. */
export interface Sent {
  readonly intent: PendingIntent;
  /** For a put whose content was staged. */
  readonly file?: StagedFile | undefined;
  readonly manifest?: Manifest | undefined;
}

/** Used for what a result requires beyond journal and catalog. */
export interface Sources {
  /** Shows a record, now or when nothing blocks it any more. */
  offer(record: NodeRecord): void;
  /**
   * To be called before writing the change that makes a later `offer` of the record necessary: after a crash in between
   * the next process must know about it.
   */
  expect(record: NodeRecord): void;
  /** Remembers a revision that the cloud has returned. */
  mark(space: string, mark: Mark): void;
  /** Compares the whole space again. */
  resync(space: string): void;
  /** Asks which spaces there are. */
  relist(): void;
}

/** `again`: the intent is still there and should be sent again after a while. */
export type Settled = 'settled' | 'again';

/** What becomes of an intent that the cloud has executed. */
export class SuccessHandler {
  readonly #replica: Replica;
  readonly #sources: Sources;

  constructor(replica: Replica, sources: Sources) {
    this.#replica = replica;
    this.#sources = sources;
  }

  /** The intent was executed; `record` is the node afterwards. */
  executed(
    { intent: { seq }, file, manifest }: Sent,
    record: NodeRecord | undefined,
    replaced: NodeRecord | undefined,
  ): Settled {
    const { catalog, journal } = this.#replica;
    const intent = journal.get(seq);
    if (intent === undefined) return 'settled';
    if (record !== undefined && intent.op === 'remove') this.#replica.recentDeletions.add(intent.node, record);
    this.#pace(intent);
    // Must precede the intent: if that waits the record does, too, and after a crash in between the next process knows
    // about it.
    if (intent.replace !== undefined) this.replaced(intent.replace, replaced);
    const entry = catalog.get(intent.node);
    if (intent.op === 'remove' || record === undefined || entry?.id !== intent.node) {
      const rebased = intent.op === 'put' ? rebaseSuccessors(journal, intent, record?.version ?? null) : [];
      this.#replica.submit([journal.remove(seq), ...rebased]);
      if (intent.op === 'remove') this.#sweep(intent, record);
      else if (file !== undefined) this.#replica.discard(intent.node, file.id);
      return 'settled';
    }
    if (intent.op === 'put' && record.version !== intent.version && record.hash !== manifest?.hash) {
      return this.#succeed(intent, record);
    }
    this.#finish(intent, entry, record);
    if (file !== undefined && manifest !== undefined) this.#keep(entry, file, manifest, record);
    return 'settled';
  }

  #sweep(intent: PendingIntent, record: NodeRecord | undefined): void {
    const { catalog } = this.#replica;
    const { node } = intent;
    const space = catalog.space(intent.space);
    if (isTreeRemoval(intent) && space !== undefined && record !== undefined && space.cursor < record.rev) {
      this.#replica.submit([catalog.putSpace({ ...space, treeRemoved: Math.max(space.treeRemoved ?? 0, record.rev) })]);
    }
    if (record?.kind === undefined || record.kind === 'folder') sweepLater(this.#replica, node, record?.rev);
  }

  #pace({ op, node, replace, parent, name }: PendingIntent): void {
    const { pace, catalog } = this.#replica;
    if (op === 'put') pace.uploaded(catalog.get(node) ?? { parent, name });
    if (replace !== undefined) pace.replaced(parent);
  }

  /** The state of a node that was to be replaced; absent if the cloud has no such node, or is too old to report it. */
  replaced(replace: NodeId, record: NodeRecord | undefined): void {
    if (record?.removed === true) this.#replica.recentDeletions.add(replace, record);
    else if (record !== undefined) this.#sources.offer(record);
    this.#replica.submit([this.#replica.journal.replacements.settle(replace)]);
  }

  /** The entry as the cloud has the node now, but for what still waits. */
  #finish(intent: PendingIntent, entry: Entry, record: NodeRecord): void {
    const { journal } = this.#replica;
    const done = journal.remove(intent.seq);
    const local = localChangesOf(journal.of(entry.id));
    const { staged, ...bare } = entry;
    const before: Entry = staged === undefined || staged !== intent.staged ? entry : bare;
    // If another node has the place here, the feed's record of this one is shown after that has gone.
    const stays = !local.place && !makeRoom(this.#replica, record);
    // Adding a name to a folder changes its time here, which has no intent: the cloud has an earlier one.
    const mtime = entry.kind === 'folder' ? Math.max(entry.mtime, record.mtime) : record.mtime;
    const shown = { ...record, mtime, rev: stays ? entry.rev : record.rev };
    const { base: _base, ...merged } = merge(
      before,
      shown,
      { ...local, place: local.place || stays },
      this.#parent(record),
    );
    const old = entry.base?.hash ?? undefined;
    if (intent.op === 'put' && old !== undefined && old !== record.hash) this.#replica.supersede(old);
    const waiting = journal.has(entry.id);
    const rebased = intent.op === 'put' ? rebaseSuccessors(journal, intent, record.version ?? null) : [];
    const agreed = merged.space === record.space ? baseOf(record) : { ...baseOf(record), space: record.space };
    if (stays) this.#sources.expect(record);
    this.#replica.put(waiting ? assign(merged, { base: agreed }) : merged, entry, [done, ...rebased]);
    if (stays) this.#sources.offer(record);
    const { targetSpace } = intent;
    if (targetSpace !== undefined && entry.kind === 'folder') {
      const relabel = { what: 'relabel', folder: entry.id, space: targetSpace } as const;
      this.#replica.later(() => relabelBelow(this.#replica, entry.id, targetSpace), relabel);
    }
  }

  #parent(record: NodeRecord): NodeId {
    return this.#replica.resolve(record.parent);
  }

  /** The uploaded file becomes cached content, or is removed. */
  #keep(entry: Entry, file: StagedFile, { hash, size }: Manifest, record: NodeRecord): void {
    const content = { hash, size, version: record.version ?? entry.version };
    const drop = this.#replica.policyOf(entry).uploaded === 'drop';
    this.#replica.settleStaged(entry.id, file, drop ? undefined : content);
  }

  /** The cloud has an earlier content of ours: this one is its successor. */
  #succeed(intent: PendingIntent, record: NodeRecord): Settled {
    const { journal } = this.#replica;
    journal.release(intent.seq);
    this.#replica.submit([journal.put({ ...intent, id: this.#replica.newId(), base: record.version })]);
    return 'again';
  }
}
