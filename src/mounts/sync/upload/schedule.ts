import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { isCreation } from '../../intents/plan.ts';

export interface ScheduleFacts {
  /** ms */
  readonly now: number;
  /** When the intent may be sent, ms; `undefined` while that depends on a handle or hold being released. */
  readyAt(intent: PendingIntent): number | undefined;
  /** True for an intent that is being sent. */
  isClaimed(seq: number): boolean;
  isFolder(node: NodeId): boolean;
  /** Whether the intent is uploaded in the lane for large contents. */
  isBig(intent: PendingIntent): boolean;
  /** Bytes that the intent has to upload. */
  weigh(intent: PendingIntent): number;
  readonly limits: ScheduleLimits;
}

export interface ScheduleLimits {
  /** Most intents of a batch. */
  readonly intents: number;
  /** Bytes beyond which a batch takes no further content. */
  readonly bytes: number;
  /** Most big ones. */
  readonly big: number;
}

export interface Schedule {
  /** May be sent together, in this order. */
  readonly batch: readonly PendingIntent[];
  /** May be sent, each alone. */
  readonly big: readonly PendingIntent[];
  /** When something more will be ready if nothing else happens, ms. */
  readonly nextAt: number | undefined;
}

/**
 * Picks what can be sent now from all waiting intents, given in journal order. An intent may overtake earlier ones that
 * it does not depend on, so one that waits or cannot succeed delays only what depends on it; inside a batch it may
 * depend on those before it. A batch has only one content of a file. An intent never waits for a later one: the first
 * that is not itself delayed can always be sent.
 */
export function schedule(intents: Iterable<PendingIntent>, facts: ScheduleFacts): Schedule {
  const batch: PendingIntent[] = [];
  const big: PendingIntent[] = [];
  const left = new Behind(facts);
  const frozen = new Set<NodeId>();
  let bytes = 0;
  let nextAt = Infinity;
  for (const intent of intents) {
    if (batch.length >= facts.limits.intents) break;
    const at = sendableAt(intent, facts);
    if (at > facts.now) nextAt = Math.min(nextAt, at);
    // A file has one frozen generation at a time.
    const second = intent.op === 'put' && frozen.has(intent.node);
    if (at > facts.now || second || left.blocks(intent) !== undefined) left.add(intent);
    else if (facts.isBig(intent)) {
      if (big.length < facts.limits.big) big.push(intent);
      left.add(intent);
    } else if (bytes > 0 && bytes + facts.weigh(intent) > facts.limits.bytes) left.add(intent);
    else {
      bytes += facts.weigh(intent);
      batch.push(intent);
      if (intent.op === 'put') frozen.add(intent.node);
    }
  }
  return { batch, big, nextAt: nextAt === Infinity ? undefined : nextAt };
}

function sendableAt(intent: PendingIntent, facts: ScheduleFacts): number {
  if (facts.isClaimed(intent.seq) || intent.parked !== undefined) return Infinity;
  return facts.readyAt(intent) ?? Infinity;
}

/**
 * What each intent that cannot be sent now waits for: the first intent in the order that delays it, perhaps through
 * others, perhaps itself. Intents that are absent here can be sent.
 */
export function holders(intents: Iterable<PendingIntent>, facts: ScheduleFacts): Map<number, PendingIntent> {
  const found = new Map<number, PendingIntent>();
  const left = new Behind(facts);
  for (const intent of intents) {
    const before = sendableAt(intent, facts) > facts.now ? intent : left.blocks(intent);
    if (before === undefined) continue;
    left.add(intent);
    found.set(intent.seq, found.get(before.seq) ?? before);
  }
  return found;
}

/** Intents that are not in the batch, indexed by what later ones may depend on. Of several the first is named. */
export class Behind {
  readonly #facts: Pick<ScheduleFacts, 'isFolder'>;
  readonly #nodes = new Map<NodeId, PendingIntent>();
  /** Nodes that the cloud does not have until one of these is executed. */
  readonly #unborn = new Map<NodeId, PendingIntent>();
  /** Names that one of these takes or frees. */
  readonly #names = new Map<string, PendingIntent>();
  readonly #versions = new Map<string, PendingIntent>();
  /** Spaces in which something, or a folder, has yet to move. */
  readonly #moves = new Map<string, PendingIntent>();
  readonly #folderMoves = new Map<string, PendingIntent>();
  /** Folders that something has yet to leave. */
  readonly #left = new Map<NodeId, PendingIntent>();

  constructor(facts: Pick<ScheduleFacts, 'isFolder'>) {
    this.#facts = facts;
  }

  add(intent: PendingIntent): void {
    const { op, node, parent, name, origin, version, replace, space, parked } = intent;
    const note = <Key>(map: Map<Key, PendingIntent>, key: Key): void => void (map.has(key) || map.set(key, intent));
    note(this.#nodes, node);
    if (replace !== undefined) note(this.#nodes, replace);
    if (isCreation(intent)) note(this.#unborn, node);
    if (isPlacing(intent) || op === 'remove') note(this.#names, `${parent}/${name}`);
    if (origin !== undefined) note(this.#names, `${origin.parent}/${origin.name}`);
    if (version !== undefined) note(this.#versions, version);
    if (op === 'remove') note(this.#left, parent);
    if (origin !== undefined) note(this.#left, origin.parent);
    if (op !== 'move' || parked !== undefined) return;
    for (const one of [space, intent.targetSpace ?? space]) {
      note(this.#moves, one);
      if (this.#facts.isFolder(node)) note(this.#folderMoves, one);
    }
  }

  /** One of them that a later intent builds on. */
  blocks(intent: PendingIntent): PendingIntent | undefined {
    const { op, node, parent, name, replace, predecessor = '', from, base, space, empty } = intent;
    const first = this.#nodes.get(node) ?? this.#nodes.get(replace ?? '') ?? this.#versions.get(from ?? '');
    if (first !== undefined) return first;
    // Its history is not worth waiting for what cannot succeed.
    const before = this.#nodes.get(predecessor);
    if (before !== undefined && before.parked === undefined) return before;
    const placed = isPlacing(intent) ? (this.#unborn.get(parent) ?? this.#names.get(`${parent}/${name}`)) : undefined;
    if (placed !== undefined) return placed;
    // A folder that has to be empty.
    const left = this.#left.get(empty === true ? node : (replace ?? ''));
    if (left !== undefined) return left;
    // What was moved out of a folder must be out before the folder is moved to the Trash.
    if (op === 'remove') return (base ?? null) === null ? this.#moves.get(space) : undefined;
    // Two moves of folders in the wrong order could put a folder into itself.
    return op === 'move' && this.#facts.isFolder(node) ? this.#folderMoves.get(space) : undefined;
  }
}

/** True for an intent that puts its node to a place. */
function isPlacing(intent: PendingIntent): boolean {
  return intent.op === 'move' || isCreation(intent);
}
