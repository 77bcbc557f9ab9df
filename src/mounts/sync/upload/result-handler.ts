import { isDeepStrictEqual } from 'node:util';
import { agreedSpace, type Entry } from '../../../cache/tree/entry.ts';
import type { PendingIntent } from '../../../cache/tree/journal.ts';
import { fsCodeOf } from '../../../cloud/errors.ts';
import type { IntentResult, NodeRecord } from '../../../cloud/records.ts';
import { assign } from '../../../vfs/assign.ts';
import type { Code } from '../../../vfs/fs-error.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { applyDeletion } from '../follow/apply-deletion.ts';
import { SuccessHandler, type Sent, type Settled, type Sources } from './success-handler.ts';
import { baseOf, localChangesOf, merge } from '../conflict/merge.ts';
import { isCreation } from '../../intents/plan.ts';
import { remedyFor, type Refused, type Remedy } from '../../policy/reconcile.ts';
import { bytesOf, recreate } from '../conflict/recreate.ts';
import type { SyncLog } from '../sync-log.ts';
import type { Replica } from '../replica.ts';
import { leaveOutRemoved, settleKnown } from '../lost-content.ts';
import { isSame, mergeNodes } from '../conflict/merge-nodes.ts';

export type RefusedResult = Extract<IntentResult, { status: 'refused' }>;

/**
 * Turns the cloud's results for intents into changes of journal and catalog, each in one turn of the event loop. One case for each code
 * of a refusal, which share how an intent is settled, so it is not cut apart.
 */
export class ResultHandler {
  readonly #replica: Replica;
  readonly #log: SyncLog;
  readonly #sources: Sources;
  readonly #successHandler: SuccessHandler;
  /** Intents of shared spaces that were refused as if the space were gone. */
  readonly #doubted = new Set<number>();
  readonly #remedies: Readonly<
    Record<Remedy, (sent: Sent, result: RefusedResult, entry: Entry | undefined) => Settled>
  >;

  constructor(replica: Replica, sources: Sources, log: SyncLog) {
    this.#replica = replica;
    this.#log = log;
    this.#sources = sources;
    this.#successHandler = new SuccessHandler(replica, sources);
    this.#remedies = {
      executed: (sent, { current, replaced }) => this.executed(sent, current, replaced),
      merge: (sent, result, entry) => this.#merge(sent, result, entry),
      rename: (sent, { current }, entry) => this.#rename(sent.intent, current, entry),
      copy: (sent, { current }, entry) => this.#copy(sent.intent, current, entry),
      show: ({ intent }, { current }, entry) => {
        return this.#isOnItsWay(intent, current, entry) ? 'settled' : this.#show(intent, current, entry);
      },
      forget: ({ intent }, result) => this.#forget(intent, result),
      recreate: ({ intent }, { current }, entry) => this.#recreate(intent, current, entry),
      recreateParent: ({ intent }, { current }, entry) => this.#recreateParent(intent, current, entry),
      again: () => 'again',
      park: ({ intent }, { code, message }) => this.park(intent, fsCodeOf(code), message),
    };
  }

  /** The intent was executed; `record` is the node afterwards. */
  executed(sent: Sent, record: NodeRecord | undefined, replaced?: NodeRecord): Settled {
    return this.#successHandler.executed(sent, record, replaced);
  }

  /** A refusal has changed nothing: under another id it is an unsent intent, which may be changed. */
  unfix(seq: number): void {
    const { journal } = this.#replica;
    const intent = journal.get(seq);
    if (intent === undefined) return;
    journal.release(seq);
    this.#replica.submit([journal.put({ ...intent, id: this.#replica.newId() })]);
  }

  /** The cloud did not do it; the intent is unfixed. */
  refused(sent: Sent, result: RefusedResult): Settled {
    const { catalog, journal } = this.#replica;
    const intent = journal.get(sent.intent.seq);
    if (intent === undefined) return 'settled';
    const found = catalog.get(intent.node);
    const entry = found?.id === intent.node ? found : undefined;
    const { current } = result;
    if (intent.resent === true && isCreation(intent) && current?.id === intent.node) {
      return this.#meet({ ...sent, intent }, current, entry);
    }
    if (result.code === 'unavailable') this.#followSpace(intent, entry);
    if (result.code === 'not_found' && this.#mayBeLost(intent)) return 'again';
    // The feed was faster: what had the name has been removed since.
    if (result.code === 'exists' && current !== undefined && this.#isRemoved(current)) return 'again';
    const remedy = remedyFor(this.#describe(intent, sent, result, entry));
    // The folder has got another id in the meantime, which is not affected.
    if (remedy === 'recreateParent' && sent.intent.parent !== intent.parent) return 'again';
    const settled = this.#remedies[remedy]({ ...sent, intent }, result, entry);
    const { replace } = intent;
    if (replace !== undefined && !journal.replacements.has(replace))
      this.#successHandler.replaced(replace, result.replaced);
    // If nothing has changed, sending it again at once would be refused again, without end.
    return isDeepStrictEqual(journal.get(intent.seq), intent) ? 'again' : settled;
  }

  /** A node that was restored to a cloud that had lost it: another computer was first, or it has been removed since. */
  #meet(sent: Sent, current: NodeRecord, entry: Entry | undefined): Settled {
    const { journal } = this.#replica;
    const { intent } = sent;
    if (entry === undefined) return this.#drop(intent);
    if (current.removed) {
      this.#replica.submit([journal.remove(intent.seq)]);
      const shown = { ...withoutBase(entry), rev: current.rev - 1 };
      this.#replica.put(journal.has(entry.id) ? { ...shown, base: baseOf(current) } : shown, entry);
      this.#sources.offer(current);
      return 'settled';
    }
    if (entry.kind !== 'file' || (sent.manifest?.hash ?? entry.hash) === current.hash)
      return this.executed(sent, current, undefined);
    // Versions are named by their time.
    if ((intent.version ?? '') < (current.version ?? '')) return this.#show(intent, current, entry);
    const { resent: _resent, ...rest } = intent;
    journal.release(intent.seq);
    this.#replica.put({ ...entry, rev: current.rev, base: baseOf(current) }, entry, [
      journal.put({ ...rest, id: this.#replica.newId(), base: current.version }),
    ]);
    return 'again';
  }

  /** Parks an intent until the user has acted. */
  park(intent: PendingIntent, code: Code, message: string): Settled {
    const { journal, catalog } = this.#replica;
    const current = journal.get(intent.seq);
    if (current === undefined) return 'settled';
    journal.release(intent.seq);
    if (settleKnown(this.#replica, current)) {
      this.#sources.resync(current.space);
      return 'settled';
    }
    if (leaveOutRemoved(this.#replica, current)) return 'again';
    const reason = { code, reason: message, at: this.#replica.now() };
    this.#replica.submit([journal.put({ ...current, parked: reason })]);
    const entry = catalog.get(intent.node);
    const path = entry === undefined ? intent.name : catalog.path(entry);
    this.#log.warn({ op: intent.op, path, code, reason: message }, 'a change cannot be sent and was put aside');
    return 'settled';
  }

  /** The node, or the folder, is in another space in the cloud than the intent says: it goes where they are known to be. */
  #followSpace(intent: PendingIntent, entry: Entry | undefined): void {
    const { catalog, journal } = this.#replica;
    const folder = catalog.get(intent.parent);
    const there = folder && (folder.mount ?? agreedSpace(folder));
    const home = isCreation(intent) ? there : entry && agreedSpace(entry);
    if (home === undefined) return;
    const { targetSpace, ...rest } = intent;
    const goal = intent.op === 'move' ? (there ?? targetSpace) : targetSpace;
    if (home === intent.space && (goal ?? home) === (targetSpace ?? home)) return;
    const target = goal === undefined || goal === home ? {} : { targetSpace: goal };
    this.#replica.submit([journal.put({ ...rest, ...target, space: home })]);
  }

  /** A shared space that was taken away is unknown to the cloud before this computer learns why: the first time it asks. */
  #mayBeLost({ space, seq }: PendingIntent): boolean {
    const role = this.#replica.catalog.space(space)?.role;
    if (role === undefined || role === 'owner' || this.#doubted.has(seq)) return false;
    this.#doubted.add(seq);
    this.#sources.relist();
    return true;
  }

  #describe(intent: PendingIntent, sent: Sent, result: RefusedResult, entry: Entry | undefined): Refused {
    const { current, code } = result;
    // Of the intent's space: neither its node nor the folder need be here any more.
    const { rules } = this.#replica.policyOf(intent);
    const creates = isCreation(intent);
    const hashed =
      entry === undefined || sent.manifest === undefined ? entry : assign(entry, { hash: sent.manifest.hash });
    const equal = current !== undefined && hashed !== undefined && isSame(hashed, current);
    return { op: intent.op, creates, code, rules, about: this.#about(intent, current, entry), equal };
  }

  #about(intent: PendingIntent, current: NodeRecord | undefined, entry: Entry | undefined): Refused['about'] {
    const { node, parent } = intent;
    if (current === undefined) return this.#isUnborn(parent) || this.#isDropped(intent, entry) ? 'parent' : 'nothing';
    if (current.id === node) return 'node';
    return current.id === parent || current.id === this.#replica.resolve(parent) ? 'parent' : 'holder';
  }

  /** A folder that the node was to pass on its way was removed here, and nothing of it is sent any more. */
  #isDropped({ op, parent }: PendingIntent, entry: Entry | undefined): boolean {
    return op === 'move' && entry?.parent !== parent && this.#replica.catalog.get(parent) === undefined;
  }

  #isRemoved(record: NodeRecord): boolean {
    const isShown = this.#replica.catalog.get(record.id)?.id === record.id;
    return this.#replica.recentDeletions.outdates(record, isShown);
  }

  /** The cloud cannot know the folder yet. */
  #isUnborn(folder: NodeId): boolean {
    return this.#replica.journal.of(this.#replica.resolve(folder)).some(isCreation);
  }

  #merge(sent: Sent, { code, current, replaced }: RefusedResult, entry: Entry | undefined): Settled {
    if (entry === undefined || current === undefined) return this.#drop(sent.intent);
    if (code === 'conflict') {
      if (current.id !== entry.id || current.removed) return this.#recreate(sent.intent, current, entry);
      return this.executed(sent, current, replaced);
    }
    const { catalog, journal } = this.#replica;
    const shown = catalog.get(current.id);
    if (journal.has(current.id) || (shown !== undefined && shown.kind === 'folder')) {
      return this.#rename(sent.intent, current, entry);
    }
    if (shown !== undefined) this.#replica.submit(catalog.remove(shown));
    const hashed = sent.manifest === undefined ? entry : assign(entry, { hash: sent.manifest.hash });
    mergeNodes(this.#replica, hashed, current);
    return 'settled';
  }

  /** The name is taken: our node gets another one, unless it has left that place anyway. */
  #rename(intent: PendingIntent, current: NodeRecord | undefined, entry: Entry | undefined): Settled {
    if (entry === undefined) return this.#drop(intent);
    if (current !== undefined) this.#sources.expect(current);
    if (!this.#goAround(intent, entry)) this.#replica.giveWay(entry);
    if (current !== undefined) this.#sources.offer(current);
    return 'settled';
  }

  /**
   * The name of an intermediate place is taken: the node gets another one on its way. So everything keeps its turn: others
   * may wait for it to exist, and have to leave the place that it is moved to. Returns false if it was to stay there.
   */
  #goAround(intent: PendingIntent, entry: Entry): boolean {
    const { journal } = this.#replica;
    const next = journal.of(entry.id).find(({ op, seq }) => op === 'move' && seq > intent.seq);
    // The Archive refuses the move that would follow.
    if (next === undefined || this.#replica.policyOf(entry).sealing) return this.#goStraight(intent, entry);
    const { replace: _replace, replaceBase: _base, ...rest } = intent;
    const name = this.#replica.conflictName({ ...entry, parent: intent.parent, name: intent.name });
    this.#replica.submit([
      journal.put({ ...rest, name }),
      journal.put({ ...next, origin: { parent: intent.parent, name } }),
    ]);
    return true;
  }

  /**
   * An intermediate place of the node is not available: the node is moved directly to where it is now. Returns false if
   * it was to stay there.
   */
  #goStraight(intent: PendingIntent, entry: Entry): boolean {
    const { journal } = this.#replica;
    const { replace: _replace, replaceBase: _base, ...rest } = intent;
    const moves = journal.of(entry.id).filter(({ op, seq }) => op === 'move' && seq > intent.seq);
    const parent = this.#replica.resolve(entry.parent);
    const elsewhere = parent !== this.#replica.resolve(intent.parent) || entry.name !== intent.name;
    const { replace: last, replaceBase } = moves.at(-1) ?? {};
    const based = replaceBase === undefined ? {} : { replaceBase };
    const replace = last === undefined || !elsewhere ? {} : { replace: last, ...based };
    const { name } = entry;
    const dropped = moves.map(({ seq }) => journal.remove(seq));
    this.#replica.submit([...dropped, journal.put({ ...rest, parent, name, ...replace })]);
    if (elsewhere) this.#replica.requeue([entry.id]);
    return elsewhere;
  }

  /**
   * Older versions could journal a folder after its contents, even in a cycle: the folders above are moved directly to
   * where they are now.
   */
  #straighten(intent: PendingIntent, entry: Entry): void {
    const { catalog, journal } = this.#replica;
    for (const folder of [...catalog.ancestors(entry)].toReversed()) {
      const made = journal.of(folder.id).find(isCreation);
      if (made !== undefined && made.seq > intent.seq && !journal.isFixed(made.seq)) this.#goStraight(made, folder);
    }
  }

  /** The node is where it was expected, and only a place on its way would have been in itself: it has been sent straight on. */
  #isOnItsWay(intent: PendingIntent, current: NodeRecord | undefined, entry: Entry | undefined): boolean {
    const { origin } = intent;
    if (current?.id !== intent.node || origin === undefined || entry === undefined) return false;
    const stays = current.name === origin.name && current.parent === this.#replica.resolve(origin.parent);
    return stays && this.#goStraight(intent, entry);
  }

  /** Our content becomes a separate file beside the cloud's, which shows the cloud's content again. */
  #copy(intent: PendingIntent, current: NodeRecord | undefined, entry: Entry | undefined): Settled {
    const { catalog, journal } = this.#replica;
    if (entry === undefined || current === undefined) return this.#drop(intent);
    this.#sources.expect(current);
    const name = this.#replica.conflictName(entry);
    const intents = journal.of(entry.id);
    const puts = intents.filter(({ op }) => op === 'put');
    const { remote: _remote, ...kept } = entry;
    const copy: Entry = { ...bytesOf(puts.at(-1)), ...kept, id: this.#replica.newId(), name, rev: 0, base: null };
    const { staged: _staged, base: _base, hash: _hash, remote: _old, ...original } = entry;
    const idle = intents.filter(({ op, seq }) => op === 'attr' && !journal.isFixed(seq));
    const place = { node: copy.id, parent: copy.parent, name };
    this.#replica.submit([
      ...idle.map(({ seq }) => journal.remove(seq)),
      ...puts.map((put) => journal.put({ ...put, ...place, ...(put.seq === intent.seq ? { base: null } : {}) })),
      this.#replica.noteConflict(copy.id, entry.name),
    ]);
    const local = localChangesOf(journal.of(entry.id));
    const merged = merge(original, current, { ...local, place: true }, entry.parent);
    // The place is settled when the record is shown in whole.
    const shown = { ...merged, base: baseOf(current), rev: Math.min(entry.rev, current.rev - 1) };
    this.#replica.put(journal.has(entry.id) ? shown : withoutBase(shown), entry);
    this.#replica.put(copy, undefined);
    this.#replica.requeue([copy.id]);
    this.#replica.rebind(entry.id, copy.id);
    this.#log.info({ path: catalog.path(entry), name }, 'changed here and on another device');
    this.#sources.offer(current);
    return 'settled';
  }

  /** Our change gives way to the cloud's state. */
  #show(intent: PendingIntent, current: NodeRecord | undefined, entry: Entry | undefined): Settled {
    const { journal } = this.#replica;
    const whole = current === undefined || (intent.op === 'remove' && current.kind === 'folder');
    if (whole) for (const space of this.#spacesOf(intent)) this.#sources.resync(space);
    else this.#sources.expect(current);
    this.#replica.submit([journal.remove(intent.seq)]);
    if (whole) return 'settled';
    if (entry !== undefined) {
      const waiting = journal.has(entry.id);
      const { staged, ...bare } = entry;
      const kept = intent.op === 'put' ? bare : entry;
      if (intent.op === 'put' && staged !== undefined) this.#replica.discard(entry.id, staged);
      // The cloud never had it at the place that it was moved to, so no record of that place is older.
      const placed = intent.op === 'move' ? Math.min(entry.rev, 1) : entry.rev;
      const older = { ...kept, rev: Math.min(placed, current.rev - 1), base: baseOf(current) };
      this.#replica.put(waiting ? older : withoutBase(older), entry);
    }
    this.#sources.offer(current);
    return 'settled';
  }

  /** Where the node of an intent is: the cloud may have it in another space, of which a record waits. */
  #spacesOf({ node, space }: PendingIntent): Set<string> {
    return new Set([space, this.#replica.waiting.get(node)?.space ?? space]);
  }

  /** No local change is important enough to bring back what the cloud has removed. */
  #forget(intent: PendingIntent, { code, current }: RefusedResult): Settled {
    if (code === 'not_found') this.#sources.resync(intent.space);
    else if (code === 'gone' && current?.id === intent.node) this.#sources.offer(current);
    return this.#drop(intent);
  }

  #drop({ seq, node, op, space }: PendingIntent): Settled {
    const { catalog, journal } = this.#replica;
    this.#replica.submit([journal.remove(seq)]);
    if (journal.has(node)) return 'settled';
    const entry = catalog.get(node);
    if (entry?.id === node) this.#replica.put(withoutBase(entry), entry);
    // It went with the folder that it was moved into here, and has stayed where it was in the cloud.
    else if (op === 'move') this.#sources.resync(space);
    return 'settled';
  }

  #recreate(intent: PendingIntent, current: NodeRecord | undefined, entry: Entry | undefined): Settled {
    if (entry === undefined) return this.#drop(intent);
    if (this.#replica.isUnsure(entry.id)) return 'again';
    recreate(this.#replica, entry, current?.id === entry.id ? current.rev : undefined);
    return 'settled';
  }

  #recreateParent(intent: PendingIntent, current: NodeRecord | undefined, entry: Entry | undefined): Settled {
    const { catalog } = this.#replica;
    if (entry === undefined) return this.#drop(intent);
    if (intent.op !== 'put' || isCreation(intent)) {
      if (this.#goStraight(intent, entry)) return 'settled';
    }
    const parent = catalog.get(entry.parent);
    if (parent === undefined) return this.#unparented(entry);
    if (current === undefined && intent.from !== undefined && !this.#isUnborn(parent.id)) {
      return this.#uploadCopy(intent, entry);
    }
    if (this.#isUnborn(parent.id)) {
      this.#straighten(intent, entry);
      this.#replica.requeue([entry.id]);
      return 'again';
    }
    const space = catalog.space(intent.space);
    if (space?.root === parent.id) return this.park(intent, 'ENOENT', 'its parent folder was removed');
    // It was sent under a folder's older id.
    if (current !== undefined && current.id !== parent.id && parent.id !== intent.parent) return 'again';
    // The folder was moved here, too. Its own move may wait for this intent, so its result cannot be waited for.
    if (this.#replica.localChanges(parent.id).place) return this.#recreate(intent, current, parent);
    return applyDeletion(this.#replica, parent, current?.id === parent.id ? current.rev : undefined)
      ? 'settled'
      : 'again';
  }

  /** The cloud does not keep the version any more that the file is a copy of: its bytes are sent, if they are here. */
  #uploadCopy(intent: PendingIntent, entry: Entry): Settled {
    const { journal } = this.#replica;
    const { from = '', ...put } = intent;
    const { remote: _remote, ...kept } = entry;
    const { hash, size } = entry;
    const file = hash === undefined ? undefined : this.#replica.reclaim({ hash, size, version: from });
    if (file === 'busy') return 'again';
    if (file === undefined)
      return this.park(intent, 'EIO', 'the version that it is a copy of is no longer in the cloud');
    file.seal();
    file.close();
    const staged = file.id;
    this.#replica.put({ ...kept, staged }, entry, [journal.put({ ...put, staged, id: this.#replica.newId() })]);
    return 'settled';
  }

  /** Its folder no longer exists anywhere: it is moved to where it can be found. */
  #unparented(entry: Entry): Settled {
    const { catalog } = this.#replica;
    const root = catalog.space(entry.space)?.root;
    if (root === undefined) return 'again';
    const free = catalog.child(root, entry.name) === undefined;
    const name = free ? entry.name : this.#replica.conflictName({ ...entry, parent: root });
    this.#replica.rehome(entry, { parent: root, name });
    return 'settled';
  }
}

function withoutBase({ base: _base, ...entry }: Entry): Entry {
  return entry;
}
