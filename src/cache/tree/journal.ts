import type { NodeId } from '../../vfs/node.ts';
import type { Claims } from './claims.ts';
import type { Replacements } from './replacements.ts';
import type { GroupWriter, Op } from '../db/group-writer.ts';
import { type Rows, Table } from '../db/table.ts';

/**
 * An acknowledged change that the cloud does not have yet. Metadata that an intent does not contain (mode, times,
 * xattrs) is read from the catalog when the intent is sent, so repeated changes of it need no further intents.
 */
export interface PendingIntent {
  /** Position in the order of the journal. */
  readonly seq: number;
  /** Its first position, if it was moved to a later one. */
  readonly since?: number;
  /** The id (UUIDv7) that makes the cloud execute it only once. */
  readonly id: string;
  readonly op: 'mkdir' | 'symlink' | 'put' | 'move' | 'attr' | 'remove';
  readonly space: string;
  readonly node: NodeId;
  /** When it was created or last changed, ms. */
  readonly at: number;
  /**
   * mkdir, symlink, put of a new node, move: the target folder. put of a known node, remove: the folder that it was in,
   * for messages.
   */
  readonly parent: NodeId;
  readonly name: string;
  /** put: the staged file with the content, or a version in the cloud to copy by reference. */
  readonly staged?: string;
  readonly from?: string;
  /** put: `Attr.version` of the content, which becomes the cloud's version id. */
  readonly version?: string;
  /**
   * put: a program is writing `staged`. The entry's size and times, and `version`, are set when it closes the file, or
   * by `freeze`.
   */
  readonly writing?: true;
  /** attr: names of extended attributes to remove; the others are in the entry. */
  readonly cleared?: readonly string[];
  /** put, remove: the cloud's version that this change is based on; `null` if the cloud had none. */
  readonly base?: string | null;
  /** put of a new node, move: the node that had the name, whose versions become older versions of this node. */
  readonly replace?: NodeId;
  /** put of a new node, move: the file that had the name a moment ago, whose kept versions are copied. */
  readonly predecessor?: NodeId;
  /** The version of that file that was known here: another one is not replaced, as it is a change that was not seen here. */
  readonly replaceBase?: string | null;
  /** move: the space that it goes to, if that is another one. */
  readonly targetSpace?: string;
  /** move: from where. */
  readonly origin?: { readonly parent: NodeId; readonly name: string };
  /** remove: the revision of the space that this computer had applied. */
  readonly seen?: number;
  /** remove of a folder: it was empty here, and is removed only if it is empty in the cloud, too. */
  readonly empty?: true;
  /** Makes a node again, under its own id, that the cloud has lost. */
  readonly resent?: true;
  /** Set if the cloud refuses the intent: the code and reason. It is not sent again until `fjord retry`. */
  readonly parked?: { readonly code: string; readonly reason: string; readonly at: number };
}

/**
 * The pending intents in order, with an index by node in memory. Changes are returned as ops for the `GroupWriter`, as
 * in the catalog; the index is updated at once. An intent that is being sent is `claimed`, and must not change any
 * more.
 */
export class Journal {
  /** The nodes that these intents replace. */
  readonly replacements: Replacements;
  readonly #table: Table<PendingIntent>;
  readonly #claims: Claims;
  readonly #bySeq = new Map<number, PendingIntent>();
  readonly #byNode = new Map<NodeId, Set<number>>();
  /** Number of intents per staged file. */
  readonly #staged = new Map<string, number>();
  /** The spaces of removed trees. */
  readonly #trees = new Map<number, string>();
  readonly #claimed = new Set<number>();
  /** Intents that were sent at least once, or are about to be. */
  readonly #sent = new Set<number>();
  /** Intents written by an earlier process and unchanged since. */
  readonly #inherited = new Set<number>();
  readonly #listeners = new Set<() => void>();
  readonly #stagedListeners = new Set<(staged: string, node: NodeId) => void>();
  #last = 0;

  private constructor(table: Table<PendingIntent>, claims: Claims, replacements: Replacements) {
    this.#table = table;
    this.#claims = claims;
    this.replacements = replacements;
  }

  /** Reads the intents that an earlier process left. */
  static async open(rows: Rows, writer: GroupWriter, claims: Claims, replacements: Replacements): Promise<Journal> {
    const journal = new Journal(new Table<PendingIntent>('journal', rows, writer, 1), claims, replacements);
    const unlisted: Op[] = [];
    const ids = new Set<string>();
    for (let gt = ''; ;) {
      const page = await journal.#table.range({ gt, lt: ':', limit: 1000 });
      for (const [key, intent] of page) {
        journal.#mirror(intent);
        journal.#inherited.add(intent.seq);
        // Older versions of Fjord had no table of replaced nodes.
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

  /** The number of pending intents. */
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

  /**
   * Yields the intents in order. A live view: intents that are added during iteration are included, removed ones are
   * not.
   */
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

  /** Whether the removal of a tree waits in a space. */
  removesTree(space: string): boolean {
    return this.#trees.size > 0 && [...this.#trees.values()].includes(space);
  }

  /** Whether an intent needs this staged file. */
  names(staged: string): boolean {
    return this.#staged.has(staged);
  }

  /**
   * Adds an intent, or replaces the one with its `seq`, perhaps by one for another node. The caller submits the op in
   * the same turn.
   */
  put(intent: PendingIntent): Op {
    const before = this.#bySeq.get(intent.seq)?.id;
    // With a new id it is another intent, which has not been sent.
    if (before !== intent.id) this.#forgetSent(intent.seq, before);
    this.#mirror(intent);
    this.#changed();
    return this.#table.put(key(intent.seq), intent);
  }

  /** Removes an intent that was executed or has become unnecessary. The caller submits the op in the same turn. */
  remove(seq: number): Op {
    const intent = this.#bySeq.get(seq);
    this.#bySeq.delete(seq);
    this.#trees.delete(seq);
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

  /**
   * Marks an intent as being sent: its record and its staged content must not change until it is released or removed.
   */
  claim(seq: number): void {
    this.#claimed.add(seq);
  }

  /**
   * The ops that record claimed intents as sent, so that the next process knows. The intents are sent once the ops are
   * written; from this call on, the cloud may have them. The caller submits the ops in the same turn.
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
   * Whether it was written by an earlier process. After a power loss it is not certain that it was not sent, so a
   * change of it must become another intent with a new id.
   */
  isInherited(seq: number): boolean {
    return this.#inherited.has(seq);
  }

  /**
   * Whether the cloud may have executed it: it is being sent, or was sent, by this process or an earlier one, and the
   * result is unknown. Such an intent must be sent again unchanged; later changes need another intent.
   */
  isFixed(seq: number): boolean {
    return this.#claimed.has(seq) || (this.#sent.has(seq) && this.#bySeq.get(seq)?.parked === undefined);
  }

  /** Calls `listener` after every change. Returns a function that stops this. */
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
    if (isTreeRemoval(intent)) this.#trees.set(intent.seq, intent.space);
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

/** True for the removal of a folder that need not be empty. */
export function isTreeRemoval({ op, base, empty }: PendingIntent): boolean {
  return op === 'remove' && (base ?? null) === null && empty !== true;
}

function count(counts: Map<string, number>, id: string | undefined, change: number): void {
  if (id === undefined) return;
  const total = (counts.get(id) ?? 0) + change;
  if (total > 0) counts.set(id, total);
  else counts.delete(id);
}

/** The key of an intent; with sixteen digits the order of bytes is that of the numbers. */
function key(seq: number): string {
  return String(seq).padStart(16, '0');
}
