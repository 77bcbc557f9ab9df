import type { Place } from '../../vfs/file-system.ts';
import { agreedAttributes, type Base, type Entry } from '../../cache/tree/entry.ts';
import type { PendingIntent } from '../../cache/tree/journal.ts';
import { assign } from '../../vfs/assign.ts';
import type { NodeId } from '../../vfs/node.ts';

/**
 * How a change alters the intents of a node: pure functions from an entry as it was and the intents that wait for it to
 * the intents that wait afterwards. Unsent intents are merged where the merged order means the same.
 */

/** An intent of one node. A sent one is `fixed`: whether the cloud has executed it is unknown. */
export interface Waiting {
  readonly intent: PendingIntent;
  readonly fixed: boolean;
}

/** An intent without a place in the order yet. */
export type NewIntent = Omit<PendingIntent, 'seq' | 'id' | 'at'>;

export interface Plan {
  /** To be appended to the journal. */
  readonly add: readonly NewIntent[];
  /** To be rewritten under their `seq`. */
  readonly rewrite: readonly PendingIntent[];
  /** Pointless now. */
  readonly drop: readonly PendingIntent[];
}

/** New content of a file: staged here, or a version of the cloud, or (with neither) no bytes at all. */
export interface NewContent {
  readonly version: string;
  readonly staged?: string;
  readonly from?: string;
  readonly writing?: true;
}

const nothing: Plan = { add: [], rewrite: [], drop: [] };

export function joinPlans(...plans: readonly Plan[]): Plan {
  return {
    add: plans.flatMap(({ add }) => add),
    rewrite: plans.flatMap(({ rewrite }) => rewrite),
    drop: plans.flatMap(({ drop }) => drop),
  };
}

/** The entry with the state that both sides agree on written down, before the first change of it. */
export function withBase(entry: Entry): Entry {
  return entry.base === undefined ? assign(entry, { base: agreedOf(entry) }) : entry;
}

function agreedOf(entry: Entry): Base {
  const { parent, name, remote, hash, rev } = entry;
  return { parent, name, version: remote ?? null, hash: hash ?? null, rev, attributes: agreedAttributes(entry) };
}

/** The holder of a name before another node takes it, which the cloud knows. */
export interface Replaced {
  readonly node: NodeId;
  /** Of a file: the cloud's version that was known here; another one must not be replaced. */
  readonly base?: string | null;
}

/** Where a node is moved to: into another space, if that is named. */
export interface Destination extends Place {
  readonly space?: string;
}

/** Which nodes a node follows under its name. The cloud knows them. */
export interface Heritage {
  /** The holder of the name, which it replaces. */
  readonly replace?: Replaced | undefined;
  /** The file that had the free name a moment ago. */
  readonly predecessor?: NodeId | undefined;
}

/** The node of the cloud that has the history of a file which loses its name, as its waiting intents leave it. */
export function historyOf({ id, kind, local }: Entry, waiting: readonly Waiting[]): NodeId | undefined {
  if (kind !== 'file' || local === true) return undefined;
  const [first] = waiting;
  if (first === undefined || first.fixed || !isCreation(first.intent) || first.intent.replace !== undefined) return id;
  return first.intent.predecessor;
}

/** A new node. */
export function planCreation(entry: Entry, content?: NewContent, heritage: Heritage = {}): Plan {
  const op = entry.kind === 'file' ? 'put' : entry.kind === 'folder' ? 'mkdir' : 'symlink';
  const put = content === undefined ? {} : { base: null, ...content };
  return { ...nothing, add: [{ op, ...subject(entry), ...put, ...inherited(heritage) }] };
}

/** New content of a known node. */
export function planContent(entry: Entry, waiting: readonly Waiting[], content: NewContent): Plan {
  const open = unsent(waiting);
  const put = open.findLast(({ op }) => op === 'put');
  if (put !== undefined) return { ...nothing, rewrite: [assign(bare(put), content)] };
  const whole = { op: 'put', ...subject(entry), ...content, base: lastVersion(entry, waiting) } as const;
  const attr = open.findLast(({ op }) => op === 'attr');
  if (attr === undefined) return { ...nothing, add: [whole] };
  const { seq, id, at, space } = attr;
  return { ...nothing, rewrite: [{ seq, id, at, ...whole, space }] };
}

/** New metadata, which an unsent intent includes. `cleared` names removed extended attributes. */
export function planAttr(entry: Entry, waiting: readonly Waiting[], cleared: readonly string[] = []): Plan {
  const carrier = unsent(waiting).findLast(({ op }) => op !== 'move' && op !== 'remove');
  if (carrier?.op === 'attr') {
    const all = [...new Set([...(carrier.cleared ?? []), ...cleared])];
    return {
      ...nothing,
      rewrite: [all.length > 0 ? assign(unparked(carrier), { cleared: all }) : unparked(carrier)],
    };
  }
  if (carrier !== undefined) return { ...nothing, rewrite: [unparked(carrier)] };
  return { ...nothing, add: [{ op: 'attr', ...subject(entry), ...(cleared.length > 0 ? { cleared } : {}) }] };
}

/** How the creation of a folder can be changed when the folder moves. */
export interface Turns {
  /** Whether it can put the folder to its new place without changing its position: see the function `keepsTurn`. */
  readonly keeps: (mkdir: PendingIntent) => boolean;
  /**
   * The intents that fill the folder, which then follow its creation to the end of the order. Only where the cloud
   * refuses the separate `move` that would be planned otherwise.
   */
  readonly filling?: ((mkdir: PendingIntent) => readonly Waiting[]) | undefined;
}

/** `entry` moves to another place. */
export function planMove(
  entry: Entry,
  waiting: readonly Waiting[],
  to: Destination,
  turns: Turns,
  heritage: Heritage = {},
): Plan {
  const [only, ...others] = waiting;
  const alone = only !== undefined && others.length === 0 && !only.fixed && isCreation(only.intent);
  if (!alone || only.intent.replace !== undefined) {
    return { ...nothing, add: [planPlainMove(entry, waiting, to, heritage)] };
  }
  if (only.intent.op === 'mkdir') {
    // The contents of the folder were journaled after it, so it must keep its position, or be moved after all of them.
    const stays = (to.space ?? entry.space) === only.intent.space;
    if (stays && heritage.replace === undefined) {
      const moved = { ...unparked(only.intent), parent: to.parent, name: to.name };
      if (turns.keeps(only.intent)) return { ...nothing, rewrite: [moved] };
      const filling = turns.filling?.(only.intent);
      if (filling?.every(({ fixed }) => !fixed) === true) {
        const intents = filling.map(({ intent }) => intent);
        return { ...nothing, drop: [only.intent, ...intents], add: [moved, ...intents].map(anew) };
      }
    }
    return { ...nothing, add: [planPlainMove(entry, waiting, to, heritage)] };
  }
  const { predecessor: _predecessor, ...creation } = anew(only.intent);
  return {
    ...nothing,
    drop: [only.intent],
    add: [assign(assign(creation, { space: entry.space, ...to }), inherited(heritage))],
  };
}

/**
 * Whether an intent could put its node at a place as if it had been journaled that way: no intent concerns the name, the
 * folder is not created later, and nothing in the space moves later, which could put that folder below the node in the
 * meantime (the folder that the node is in already cannot be put below it). This keeps every intent behind those that it
 * depends on, so the order never has a cycle. Moves in other spaces do not count, unless they lead into this one.
 */
export function keepsTurn(
  intents: Iterable<PendingIntent>,
  { seq, space, parent: present }: Pick<PendingIntent, 'seq' | 'space' | 'parent'>,
  { parent, name }: Place,
): boolean {
  for (const intent of intents) {
    if (intent.space !== space && intent.targetSpace !== space && intent.node !== parent) continue;
    if (intent.name === name && intent.parent === parent) return false;
    if (intent.origin?.name === name && intent.origin.parent === parent) return false;
    if (intent.seq < seq || parent === present) continue;
    if (intent.op === 'move' || (intent.node === parent && isCreation(intent))) return false;
  }
  return true;
}

/** The intents of everything that is made in a folder, in their order, the folder's own not included. */
export function fillingOf(intents: Iterable<PendingIntent>, folder: NodeId): PendingIntent[] {
  const made = new Set([folder]);
  const found: PendingIntent[] = [];
  for (const intent of intents) {
    const { node, parent } = intent;
    if (node === folder || !(made.has(node) || (made.has(parent) && isCreation(intent)))) continue;
    made.add(node);
    found.push(intent);
  }
  return found;
}

/** An intent that precedes the creation of the folder that it concerns; there must be none. */
export function outOfOrder(intents: Iterable<PendingIntent>): PendingIntent | undefined {
  const all = [...intents];
  const births = new Map(all.filter(isCreation).map(({ node, seq }) => [node, seq]));
  return all.find((intent) => {
    const { op, parent, node, seq } = intent;
    const places = op === 'move' || isCreation(intent);
    return (places && (births.get(parent) ?? 0) > seq) || (births.get(node) ?? 0) > seq;
  });
}

/** A `move` that is not merged with anything. */
export function planPlainMove(
  entry: Entry,
  waiting: readonly Waiting[],
  { parent, name, space = entry.space }: Destination,
  heritage: Heritage = {},
): NewIntent {
  const crossing = space === entry.space ? {} : { targetSpace: space };
  return {
    op: 'move',
    ...subject(entry),
    parent,
    name,
    ...crossing,
    origin: lastPlace(entry, waiting),
    ...inherited(heritage),
  };
}

/**
 * `entry` loses its name to another node; `replace` is what the other node's intent has to name. `isNamed`: intents of
 * other nodes name this folder as a stop on their way, so it must be created anyway.
 */
export function planReplaced(
  entry: Entry,
  waiting: readonly Waiting[],
  isNamed = false,
): Plan & { readonly replace?: Replaced } {
  if (entry.local === true) return nothing;
  const [only] = waiting;
  if (!isKnown(waiting) && !isNamed) {
    if (waiting.length === 1 && only?.intent.replace !== undefined) {
      return { ...nothing, drop: [only.intent], replace: replacedBy(only.intent, only.intent.replace) };
    }
    if (!replacesAny(waiting)) return { ...nothing, drop: waiting.map(({ intent }) => intent) };
  }
  const drop = unsent(waiting).filter(isIdle);
  const left = waiting.filter(({ intent }) => !drop.includes(intent));
  const base = entry.kind === 'file' ? { base: lastVersion(entry, left) } : {};
  return { ...nothing, drop, replace: { node: entry.id, ...base } };
}

export interface Removal {
  /** The revision of the space that is known here. */
  readonly seen: number;
  /** As in `planReplaced`. */
  readonly isNamed?: boolean;
  /** Only if the folder is empty. */
  readonly empty?: boolean;
}

/** `entry` goes to the Trash, a folder with all that is in it. */
export function planRemove(
  entry: Entry,
  waiting: readonly Waiting[],
  { seen, isNamed = false, empty = false }: Removal,
): Plan {
  if (entry.local === true) return nothing;
  if (!isKnown(waiting) && !replacesAny(waiting) && !isNamed)
    return { ...nothing, drop: waiting.map(({ intent }) => intent) };
  const drop = unsent(waiting).filter(isIdle);
  const left = waiting.filter(({ intent }) => !drop.includes(intent));
  const base = entry.kind === 'folder' ? null : lastVersion(entry, left);
  const only = empty ? ({ empty } as const) : {};
  // A content that cannot be sent is left out: the removal must not wait for it for ever.
  const rewrite = left.filter(({ fixed, intent }) => !fixed && isParkedPut(intent)).map(({ intent }) => bare(intent));
  return { ...nothing, drop, rewrite, add: [{ op: 'remove', ...subject(entry), base, seen, ...only }] };
}

/** True for an intent that creates its node. */
export function isCreation({ op, base }: PendingIntent): boolean {
  return op === 'mkdir' || op === 'symlink' || (op === 'put' && base === null);
}

/** True if the cloud knows the node, or may: unless its creation waits here and nothing has been sent. */
function isKnown(waiting: readonly Waiting[]): boolean {
  return waiting.some(({ fixed }) => fixed) || !waiting.some(({ intent }) => isCreation(intent));
}

function isParkedPut({ op, parked }: PendingIntent): boolean {
  return op === 'put' && parked !== undefined;
}

function replacesAny(waiting: readonly Waiting[]): boolean {
  return waiting.some(({ intent }) => intent.replace !== undefined);
}

/** The intents after the last one that was sent. */
function unsent(waiting: readonly Waiting[]): PendingIntent[] {
  return waiting.slice(waiting.findLastIndex(({ fixed }) => fixed) + 1).map(({ intent }) => intent);
}

/** Without effect on a node that is going away. A `move` is not: it frees a name that a later intent may count on. */
function isIdle(intent: PendingIntent): boolean {
  return intent.op === 'attr' || (intent.op === 'put' && !isCreation(intent));
}

/** The version that the cloud will have when all waiting intents have been executed; `null` if there is none. */
function lastVersion(entry: Entry, waiting: readonly Waiting[]): string | null {
  const put = waiting.findLast(({ intent }) => intent.op === 'put');
  if (put?.intent.version !== undefined) return put.intent.version;
  return entry.base === undefined ? (entry.remote ?? null) : (entry.base?.version ?? null);
}

/** Where the cloud will have the node when all that waits has been executed. */
function lastPlace(entry: Entry, waiting: readonly Waiting[]): Place {
  const placed = waiting.findLast(({ intent }) => intent.op === 'move' || isCreation(intent));
  const { parent, name } = placed?.intent ?? entry.base ?? entry;
  return { parent, name };
}

function subject({ space, id, parent, name }: Entry): Pick<NewIntent, 'space' | 'node' | 'parent' | 'name'> {
  return { space, node: id, parent, name };
}

function inherited({ replace, predecessor }: Heritage): Pick<NewIntent, 'replace' | 'replaceBase' | 'predecessor'> {
  if (replace === undefined) return predecessor === undefined ? {} : { predecessor };
  const { node, base } = replace;
  return { replace: node, ...(base === undefined ? {} : { replaceBase: base }) };
}

function replacedBy({ replaceBase }: PendingIntent, node: NodeId): Replaced {
  return { node, ...(replaceBase === undefined ? {} : { base: replaceBase }) };
}

/** A put without its content. */
function bare(put: PendingIntent): PendingIntent {
  const { staged: _staged, from: _from, writing: _writing, ...rest } = unparked(put);
  return rest;
}

/** An intent that is to get another position. */
function anew(intent: PendingIntent): NewIntent {
  const { seq: _seq, id: _id, at: _at, ...rest } = unparked(intent);
  return rest;
}

/** A change makes a parked intent be tried again. */
function unparked(intent: PendingIntent): PendingIntent {
  const { parked: _parked, ...rest } = intent;
  return rest;
}
