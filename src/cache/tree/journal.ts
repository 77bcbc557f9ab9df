import type { NodeId } from '../../vfs/node.ts';
import type { Claims } from './claims.ts';
import type { Replacements } from './replacements.ts';
import type { GroupWriter, Op } from '../db/group-writer.ts';
import { type Rows, Table } from '../db/table.ts';

/**
 * What the user was promised and the cloud does not know yet. Metadata that an intent does not name (mode, times,
 * xattrs) is read from the catalog when it is sent, so repeated changes of it need no intents of their own.
 */
export interface PendingIntent {
  /** Position in the order of promises. */
  readonly seq: number;
  /** The place that it was first promised at, if it has got a later one since. */
  readonly since?: number;
  /** The id under which the cloud executes it once (UUIDv7). */
  readonly id: string;
  readonly op: 'mkdir' | 'symlink' | 'put' | 'move' | 'attr' | 'remove';
  readonly space: string;
  readonly node: NodeId;
  /** When it was promised or last changed, ms. */
  readonly at: number;
  /** mkdir, symlink, put of a new node, move: where to. Of a put of a known node and of a remove: where it was, for people. */
  readonly parent: NodeId;
  readonly name: string;
  /** put: the staged file with the content, or a version of the cloud to copy by reference. */
  readonly staged?: string;
  readonly from?: string;
  /** put: `Attr.version` of the content, which becomes the cloud's version id. */
  readonly version?: string;
  /** put: somebody is writing `staged`; the entry's size and times, and `version`, are set when they finish or by `freeze`. */
  readonly writing?: true;
  /** attr: names of extended attributes to take off; the others are in the entry. */
  readonly cleared?: readonly string[];
  /** put, remove: the cloud's version that this change is based on; `null` where the cloud had none. */
  readonly base?: string | null;
  /** put of a new node, move: the node that had the name, whose kept versions go on. */
  readonly replace?: NodeId;
  /** put of a new node, move: the file that had the name a moment ago, whose kept versions are copied. */
  readonly predecessor?: NodeId;
  /** The version of that file that was known here: another one is not replaced, as it is a change that nobody here has seen. */
  readonly replaceBase?: string | null;
  /** move: from where. */
  readonly origin?: { readonly parent: NodeId; readonly name: string };
  /** remove: the revision of the space that was known here. */
  readonly seen?: number;
  /** remove of a folder: it was empty here, and is removed only if it is empty in the cloud, too. */
  readonly empty?: true;
  /** Makes a node again, under its own id, that the cloud has lost. */
  readonly resent?: true;
  /** Cannot succeed as it is: why, in a code and in words. Waits for a person (`fjord retry`). */
  readonly parked?: { readonly code: string; readonly reason: string; readonly at: number };
}

/**
 * The intents in their order, mirrored in memory by node. Changes are ops for the `GroupWriter`, as with the catalog; the
 * mirror follows them as they are submitted. An intent that is being sent is `claimed`: it must not change any more.
 */
export class Journal {
  /** What these intents put other nodes in the place of. */
  readonly replacements: Replacements;
  readonly #table: Table<PendingIntent>;
  readonly #claims: Claims;
  readonly #bySeq = new Map<number, PendingIntent>();
  readonly #byNode = new Map<NodeId, Set<number>>();
  /** How many intents name a staged file. */
  readonly #staged = new Map<string, number>();
  readonly #claimed = new Set<number>();
  /** Sent at least once, or about to be. */
  readonly #sent = new Set<number>();
  /** Written by an earlier process, and unchanged since. */
  readonly #inherited = new Set<number>();
  readonly #listeners = new Set<() => void>();
  readonly #stagedListeners = new Set<(staged: string, node: NodeId) => void>();
  #last = 0;

  private constructor(table: Table<PendingIntent>, claims: Claims, replacements: Replacements) {
    this.#table = table;
    this.#claims = claims;
    this.replacements = replacements;
  }

  /** Reads what an earlier process left. */
  static async open(rows: Rows, writer: GroupWriter, claims: Claims, replacements: Replacements): Promise<Journal> {
    const journal = new Journal(new Table<PendingIntent>('journal', rows, writer, 1), claims, replacements);
    const unlisted: Op[] = [];
    const ids = new Set<string>();
    for (let gt = ''; ;) {
      const page = await journal.#table.range({ gt, lt: ':', limit: 1000 });
      for (const [key, intent] of page) {
        journal.#mirror(intent);
        journal.#inherited.add(intent.seq);
        // Older versions kept no list.
        const { replace, space } = intent;
        if (replace !== undefined && !replacements.isListed(replace)) unlisted.push(replacements.add(replace, space));
        if (claims.has(intent.id)) journal.#sent.add(intent.seq);
        ids.add(intent.id);
        gt = key;
      }
      if (page.length < 1000) break;
    }
    claims.keep(ids);
    if (unlisted.length > 0) void writer.write(unlisted);
    return journal;
  }

  /** How many intents wait. */
  get size(): number {
    return this.#bySeq.size;
  }

  /** The greatest `seq` so far. */
  get last(): number {
    return this.#last;
  }

  nextSeq(): number {
    return ++this.#last;
  }

  get(seq: number): PendingIntent | undefined {
    return this.#bySeq.get(seq);
  }

  /** In order. A live view: intents added meanwhile are seen, removed ones are not. */
  *all(): Generator<PendingIntent> {
    for (const intent of this.#bySeq.values()) yield intent;
  }

  /** The intents of one node, in order. */
  of(node: NodeId): PendingIntent[] {
    const seqs = this.#byNode.get(node);
    if (seqs === undefined) return [];
    return [...seqs].sort((a, b) => a - b).flatMap((seq) => this.#bySeq.get(seq) ?? []);
  }

  has(node: NodeId): boolean {
    return this.#byNode.has(node);
  }

  /** Whether an intent needs this staged file. */
  names(staged: string): boolean {
    return this.#staged.has(staged);
  }

  /** Adds an intent, or writes it anew under its `seq`, perhaps for another node. Submit the op in the same turn. */
  put(intent: PendingIntent): Op {
    const before = this.#bySeq.get(intent.seq)?.id;
    // Under a new id it is another intent, which nobody has sent.
    if (before !== intent.id) this.#forgetSent(intent.seq, before);
    this.#mirror(intent);
    this.#changed();
    return this.#table.put(key(intent.seq), intent);
  }

  /** Takes an intent off: it has been executed, or has become pointless. Submit the op in the same turn. */
  remove(seq: number): Op {
    const intent = this.#bySeq.get(seq);
    this.#bySeq.delete(seq);
    this.#claimed.delete(seq);
    this.#forgetSent(seq, intent?.id);
    this.replacements.count(intent?.replace, -1);
    if (intent !== undefined) {
      this.#unname(intent);
      this.#forget(intent);
    }
    this.#changed();
    return this.#table.del(key(seq));
  }

  /** Marks an intent as being sent: its record and its staged content are frozen until it is released or removed. */
  claim(seq: number): void {
    this.#claimed.add(seq);
  }

  /**
   * Claimed intents are sent when the ops are written, which the next process must know. From now on the cloud may have
   * them. Submit the ops in the same turn.
   */
  handOver(seqs: readonly number[]): Op[] {
    for (const seq of seqs) if (this.#bySeq.has(seq)) this.#sent.add(seq);
    return this.#claims.add(seqs.flatMap((seq) => this.#bySeq.get(seq)?.id ?? []));
  }

  release(seq: number): void {
    this.#claimed.delete(seq);
    this.#changed();
  }

  isClaimed(seq: number): boolean {
    return this.#claimed.has(seq);
  }

  /**
   * Whether it was written by an earlier process. If power was lost nobody knows for certain that it was not sent, so what
   * it becomes must be another intent, under a new id.
   */
  isInherited(seq: number): boolean {
    return this.#inherited.has(seq);
  }

  /**
   * Whether the cloud may have executed it: it is being sent, or was sent, by this process or an earlier one, and the answer
   * is not known. Such an intent must be sent as it is; what changes afterwards is promised by another one.
   */
  isFixed(seq: number): boolean {
    return this.#claimed.has(seq) || (this.#sent.has(seq) && this.#bySeq.get(seq)?.parked === undefined);
  }

  /** Calls `listener` after every change. Returns the way to stop. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` when no intent needs a staged file any more, with the node of the last one. Returns the way to stop. */
  watchStaged(listener: (staged: string, node: NodeId) => void): () => void {
    this.#stagedListeners.add(listener);
    return () => this.#stagedListeners.delete(listener);
  }

  #mirror(intent: PendingIntent): void {
    this.#last = Math.max(this.#last, intent.seq);
    const before = this.#bySeq.get(intent.seq);
    count(this.#staged, intent.staged, 1);
    if (before !== undefined) this.#unname(before);
    this.replacements.count(intent.replace, 1);
    this.replacements.count(before?.replace, -1);
    if (before !== undefined && before.node !== intent.node) this.#forget(before);
    this.#bySeq.set(intent.seq, intent);
    let seqs = this.#byNode.get(intent.node);
    if (seqs === undefined) this.#byNode.set(intent.node, (seqs = new Set<number>()));
    seqs.add(intent.seq);
  }

  #forgetSent(seq: number, id: string | undefined): void {
    this.#sent.delete(seq);
    this.#inherited.delete(seq);
    if (id !== undefined) this.#claims.remove(id);
  }

  #unname({ staged, node }: PendingIntent): void {
    if (staged === undefined) return;
    count(this.#staged, staged, -1);
    if (this.#staged.has(staged)) return;
    for (const listener of this.#stagedListeners) listener(staged, node);
  }

  #forget({ node, seq }: PendingIntent): void {
    const seqs = this.#byNode.get(node);
    seqs?.delete(seq);
    if (seqs?.size === 0) this.#byNode.delete(node);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function count(counts: Map<string, number>, id: string | undefined, change: number): void {
  if (id === undefined) return;
  const total = (counts.get(id) ?? 0) + change;
  if (total > 0) counts.set(id, total);
  else counts.delete(id);
}

/** Sixteen digits keep the order of numbers in the order of bytes. */
function key(seq: number): string {
  return String(seq).padStart(16, '0');
}
