import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { isCreation } from '../../intents/plan.ts';

export interface ScheduleFacts {
  /** ms */
  readonly now: number;
  /** When the intent may be sent, ms; `undefined` while that depends on somebody letting go. */
  readyAt(intent: PendingIntent): number | undefined;
  /** True for what is being sent. */
  isClaimed(seq: number): boolean;
  isFolder(node: NodeId): boolean;
  /** The turn of the intent that makes a node, while that waits. */
  birthOf(node: NodeId): number | undefined;
  /** Whether the intent goes up in a lane of its own. */
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
 * Picks what can be sent now from all that waits, given in the order of promises. An intent may go before earlier ones
 * that it does not depend on, so one that waits or cannot succeed holds up nothing but what builds on it; inside a batch
 * it may depend on those before it. Of one file's contents a batch has one.
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
    // A new folder that was moved keeps its turn, which may be before that of the folder it has gone into.
    const early = isPlacing(intent) && (facts.birthOf(intent.parent) ?? 0) > intent.seq;
    if (at > facts.now || second || early || left.blocks(intent)) left.add(intent);
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

/** Intents that stay behind, by what later ones may need of them. */
export class Behind {
  readonly #facts: Pick<ScheduleFacts, 'isFolder'>;
  readonly #nodes = new Set<NodeId>();
  /** Nodes that the cloud does not have until one of these is executed. */
  readonly #unborn = new Set<NodeId>();
  /** Names that one of these takes or frees. */
  readonly #names = new Set<string>();
  readonly #versions = new Set<string>();
  /** Spaces in which something, or a folder, has yet to move. */
  readonly #moves = new Set<string>();
  readonly #folderMoves = new Set<string>();

  constructor(facts: Pick<ScheduleFacts, 'isFolder'>) {
    this.#facts = facts;
  }

  add(intent: PendingIntent): void {
    const { op, node, parent, name, origin, version, replace, space, parked } = intent;
    this.#nodes.add(node);
    if (replace !== undefined) this.#nodes.add(replace);
    if (isCreation(intent)) this.#unborn.add(node);
    if (isPlacing(intent) || op === 'remove') this.#names.add(`${parent}/${name}`);
    if (origin !== undefined) this.#names.add(`${origin.parent}/${origin.name}`);
    if (version !== undefined) this.#versions.add(version);
    if (op !== 'move' || parked !== undefined) return;
    this.#moves.add(space);
    if (this.#facts.isFolder(node)) this.#folderMoves.add(space);
  }

  /** Whether a later intent builds on one of them. */
  blocks(intent: PendingIntent): boolean {
    const { op, node, parent, name, replace, from, base, space } = intent;
    if (this.#nodes.has(node) || (replace !== undefined && this.#nodes.has(replace))) return true;
    if (from !== undefined && this.#versions.has(from)) return true;
    if (isPlacing(intent) && (this.#unborn.has(parent) || this.#names.has(`${parent}/${name}`))) return true;
    // What was moved out of a folder must be out before the folder goes to the Trash.
    if (op === 'remove') return (base ?? null) === null && this.#moves.has(space);
    // Two moves of folders in the wrong order could put a folder into itself.
    return op === 'move' && this.#folderMoves.has(space) && this.#facts.isFolder(node);
  }
}

/** True for an intent that puts its node to a place. */
function isPlacing(intent: PendingIntent): boolean {
  return intent.op === 'move' || isCreation(intent);
}
