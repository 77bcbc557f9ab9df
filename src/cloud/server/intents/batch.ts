import { DigestList } from '../../../vfs/digest-list.ts';
import { BLOCK_SIZE } from '../../../vfs/block.ts';
import type {
  BriefResults,
  DoneResult,
  Intent,
  IntentOp,
  IntentResult,
  MadeResult,
  RefusedResult,
} from '../../records.ts';
import type { Caller } from '../meta/caller.ts';
import { isLive, type Transaction } from '../meta/transaction.ts';
import type { PrefetchKeys } from '../meta/prefetch.ts';
import { distinct } from '../meta/manifest.ts';
import type { MetaStore } from '../meta/meta-store.ts';
import { readOutcomes, type Outcome } from '../meta/outcomes.ts';
import { isKnown } from '../meta/posix.ts';
import { nodeRecord } from '../meta/records.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import { Refusal } from '../refusal.ts';
import { attr } from './attr.ts';
import { make } from './make.ts';
import { move } from './move.ts';
import { describesNode, outcomeOf, resultOf } from './outcome.ts';
import { parseIntent } from './parse.ts';
import { put } from './put.ts';
import { remove } from './remove.ts';

/**
 * Longest manifest, in characters (about 16 blocks), whose blocks are prefetched together with those of other intents.
 */
const FEW = 700;

/** An intent as received; only its id has been validated. */
export interface RawIntent {
  readonly id: string;
}

interface DeviceCaller extends Caller {
  readonly device: string;
}

/** An intent that was executed, and the node that it made or changed. */
interface Executed {
  readonly intent: Intent;
  readonly node: NodeRow;
  /** Of the node's revision, if that is new. */
  readonly stamp: string | undefined;
  readonly replaced: Pick<IntentResult, 'replaced'>;
}

/**
 * Executes intents in order, in one transaction. A refused intent changes nothing, and those after it are still tried.
 * An id that was executed before is not executed again; its recorded outcome is returned. Refusals are not recorded, so
 * the same intent can succeed once its obstacle is gone (blocks uploaded, quota raised).
 */
export async function executeIntents(
  meta: MetaStore,
  caller: DeviceCaller,
  intents: readonly RawIntent[],
): Promise<IntentResult[]> {
  return (await executeAll(meta, caller, intents, doneResult)).results;
}

/** The same, without what the intents that make nodes say of these themselves. */
export async function executeBriefly(
  meta: MetaStore,
  caller: DeviceCaller,
  intents: readonly RawIntent[],
): Promise<BriefResults> {
  const { results, now } = await executeAll(meta, caller, intents, madeResult);
  return { results, ctime: now, device: caller.device };
}

async function executeAll<Result extends DoneResult | MadeResult>(
  meta: MetaStore,
  caller: DeviceCaller,
  intents: readonly RawIntent[],
  report: (executed: Executed) => Result,
): Promise<{ readonly results: (Result | IntentResult)[]; readonly now: number }> {
  return await meta.transaction(caller, async (transaction) => {
    const parsed = intents.map(parse);
    const done = await doneBefore(transaction, caller.device, parsed, intents);
    await transaction.prefetchAll(prefetchKeys(parsed));
    const fresh = new Map<string, Result>();
    const outcomes: Outcome[] = [];
    const results: (Result | IntentResult)[] = [];
    for (const [index, { id }] of intents.entries()) {
      const known = done.get(id) ?? fresh.get(id);
      const result = known ?? (await execute(transaction, id, parsed[index], report));
      results.push(result);
      if (known !== undefined || result.status === 'refused') continue;
      fresh.set(id, result as Result);
      outcomes.push(outcomeOf(parsed[index] as Intent, result));
    }
    await transaction.remember(outcomes);
    return { results, now: transaction.now };
  });
}

/** The results of those of the intents that were executed before. */
async function doneBefore(
  transaction: Transaction,
  device: string,
  parsed: readonly (Intent | Refusal)[],
  intents: readonly RawIntent[],
): Promise<Map<string, IntentResult>> {
  const ids = intents.map(({ id }) => id);
  const recorded = await readOutcomes(await transaction.connection(), device, ids);
  const results = new Map<string, IntentResult>();
  for (const [index, id] of ids.entries()) {
    const one = recorded.get(id);
    if (one !== undefined) results.set(id, await resultOf(one, device, parsed[index] as Intent | Refusal));
  }
  return results;
}

function parse(raw: RawIntent): Intent | Refusal {
  try {
    return parseIntent(raw);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

async function execute<Result>(
  transaction: Transaction,
  id: string,
  intent: Intent | Refusal | undefined,
  report: (executed: Executed) => Result,
): Promise<Result | RefusedResult> {
  if (intent === undefined || intent instanceof Refusal) {
    return refused(id, intent ?? new Refusal('bad_request', 'the intent is malformed'));
  }
  let space: SpaceRow | undefined;
  try {
    space = await transaction.space(intent.space);
    const node = await dispatch(transaction, space, intent);
    const stamp = transaction.stampOf(node.space, node.rev);
    return report({ intent, node, stamp, replaced: await replacedBy(transaction, space, intent) });
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'internal') throw error;
    return { ...refused(id, error), ...(space === undefined ? {} : await replacedBy(transaction, space, intent)) };
  }
}

function doneResult({ intent: { id }, node, stamp, replaced }: Executed): DoneResult {
  const stamped = stamp === undefined ? {} : { stamp };
  return { id, status: 'done', node: nodeRecord(node), ...stamped, ...replaced };
}

function madeResult(executed: Executed): DoneResult | MadeResult {
  const { intent, node, stamp } = executed;
  if (stamp === undefined || !describesNode(intent)) return doneResult(executed);
  if ('posix' in intent && intent.posix !== undefined && !isKnown(intent.posix)) return doneResult(executed);
  return { id: intent.id, status: 'made', rev: node.rev, hash: node.hash, stamp };
}

function refused(id: string, { code, message, current }: Refusal): RefusedResult {
  return { id, status: 'refused', code, message, ...(current === undefined ? {} : { current }) };
}

/** The state of the node that an intent was to replace. */
async function replacedBy(
  transaction: Transaction,
  space: SpaceRow,
  intent: Intent,
): Promise<Pick<IntentResult, 'replaced'>> {
  if (!('replace' in intent)) return {};
  const home = intent.op === 'move' && intent.targetSpace !== undefined ? transaction.known(intent.targetSpace) : space;
  const node = home === undefined ? undefined : await transaction.node(intent.replace, home);
  if (home === undefined || node === undefined) return {};
  const record = nodeRecord(node);
  return { replaced: (await isLive(transaction, home, node)) ? record : { ...record, removed: true } };
}

type Execute<Op extends IntentOp> = (
  transaction: Transaction,
  space: SpaceRow,
  intent: Extract<Intent, { op: Op }>,
) => Promise<NodeRow>;

/** Every operation checks all of its conditions before it changes anything. */
const OPS: Readonly<{ [Op in IntentOp]: Execute<Op> }> = { mkdir: make, symlink: make, put, move, attr, remove };

async function dispatch<Op extends IntentOp>(
  transaction: Transaction,
  space: SpaceRow,
  intent: Extract<Intent, { op: Op }>,
): Promise<NodeRow> {
  const execute: Execute<Op> = OPS[intent.op];
  return await execute(transaction, space, intent);
}

/** The keys that the intents will look up. Blocks of large files are not included; each such intent reads its own. */
function prefetchKeys(parsed: readonly (Intent | Refusal)[]): PrefetchKeys {
  const intents = parsed.filter((intent): intent is Intent => !(intent instanceof Refusal));
  const puts = intents.filter((intent) => intent.op === 'put');
  const places = intents.filter((intent) => 'parent' in intent);
  const replaced = intents.flatMap((intent) => ('replace' in intent ? [intent.replace] : []));
  const before = intents.flatMap((intent) => ('predecessor' in intent ? [intent.predecessor] : []));
  return {
    nodes: [
      ...new Set([...intents.map(({ node }) => node), ...places.map(({ parent }) => parent), ...replaced, ...before]),
    ],
    places,
    versions: puts.map(({ version }) => version),
    digests: distinct(puts.flatMap(({ content }) => ('from' in content ? [] : fewDigests(content)))),
  };
}

function fewDigests({ size, blocks }: { readonly size: number; readonly blocks: string }): string[] {
  if (blocks.length > FEW) return [];
  return DigestList.from(Buffer.from(blocks, 'base64'), Math.ceil(size / BLOCK_SIZE))?.distinct() ?? [];
}
