import { assign } from '../../../vfs/assign.ts';
import type { DoneResult, Intent, IntentResult, MadeResult } from '../../records.ts';
import { manifestOf } from '../meta/manifest.ts';
import type { Outcome, RecordedOutcome } from '../meta/outcomes.ts';
import { nodeRecord } from '../meta/records.ts';
import type { NewNode } from '../meta/transaction.ts';
import { Refusal } from '../refusal.ts';
import { madeBy } from './make.ts';
import { fileOf } from './put.ts';

/** What is recorded of an intent's result. A node that it made is not repeated: whoever sends the intent again describes it. */
export function outcomeOf(intent: Intent, result: DoneResult | MadeResult): Outcome {
  if (result.status === 'made') return { id: result.id, rev: result.rev, stamp: result.stamp };
  const { id, node, stamp } = result;
  return stamp !== undefined && describesNode(intent) ? { id, rev: node.rev, stamp } : result;
}

/** The result of an intent that was executed before and is sent again; a refusal if another intent has the id now. */
export async function resultOf(
  { outcome, created }: RecordedOutcome,
  device: string,
  intent: Intent | Refusal,
): Promise<IntentResult> {
  if ('status' in outcome) return outcome;
  const { id, rev, stamp } = outcome;
  const node = intent instanceof Refusal || 'files' in outcome ? undefined : await describedNode(intent);
  if (node === undefined) {
    return { id, status: 'refused', code: 'bad_request', message: 'another intent with this id was executed before' };
  }
  const row = assign(node, { rev, ctime: created, device, others: 0, removed: null, purged: 0 as const, mount: null });
  return { id, status: 'done', node: nodeRecord(row), stamp };
}

/** Whether an intent, if it is executed, makes a node of which it says everything. */
export function describesNode(intent: Intent): boolean {
  if (intent.op !== 'put' && intent.op !== 'mkdir' && intent.op !== 'symlink') return false;
  if (intent.replace !== undefined) return false;
  return intent.op !== 'put' || (intent.base === null && 'blocks' in intent.content);
}

/** @throws what the intent was not refused for when it was executed */
async function describedNode(intent: Intent): Promise<NewNode | undefined> {
  if (!describesNode(intent)) return undefined;
  if (intent.op === 'mkdir' || intent.op === 'symlink') return madeBy(intent);
  if (intent.op !== 'put' || !('blocks' in intent.content)) return undefined;
  const { size, blocks } = intent.content;
  return fileOf(intent, { size, hash: await manifestOf(Buffer.from(blocks, 'base64'), size).hash() });
}
