import type { Journal, PendingIntent } from '../../cache/tree/journal.ts';
import { type Activity, HOLLOW } from '../drive/activity.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { PolicyOf } from '../policy/policy.ts';
import { isCreation } from '../intents/plan.ts';

/** Minimum time that nodes settle after a start, ms: which of them were open or locked is not recorded. */
const GRACE = 30_000;

export interface SettlingParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly activity: Activity;
  readonly policyOf: PolicyOf;
  /** ms since 1970 */
  readonly now: () => number;
}

/**
 * Nodes that were settling when the previous process ended continue to settle: from their last change in the journal,
 * but for a minimum time in any case, since they may have been released later than that. To be called before anything
 * is served or sent.
 */
export async function recoverSettling(parts: SettlingParts): Promise<void> {
  const { catalog, activity, now, policyOf } = parts;
  for (const { op, node, at } of settlingIntents(parts)) {
    const entry = catalog.get(node);
    if (entry === undefined) continue;
    const { settle } = policyOf(entry);
    const hollow = op === 'put' && entry.size === 0;
    const empty = settle > 0 && op === 'mkdir' && (await catalog.isEmpty(node));
    const least = settle > 0 ? now() - Math.max(0, settle - GRACE) : 0;
    activity.recover(node, { at: Math.max(at, least), hollow, empty });
  }
}

/** The intents that create nodes and contents, if they are unsent and may have to wait, oldest change first. */
function settlingIntents({ journal, catalog, now, policyOf }: SettlingParts): PendingIntent[] {
  const settles = new Map<string, number>();
  const settleOf = ({ space, node }: PendingIntent): number => {
    let settle = settles.get(space);
    const entry = settle === undefined ? catalog.get(node) : undefined;
    if (entry !== undefined) settles.set(space, (settle = policyOf(entry).settle));
    return settle ?? 0;
  };
  const found: PendingIntent[] = [];
  for (const intent of journal.all()) {
    if ((intent.op !== 'put' && !isCreation(intent)) || journal.isFixed(intent.seq)) continue;
    if (settleOf(intent) > 0 || now() - intent.at < HOLLOW) found.push(intent);
  }
  return found.sort((a, b) => a.at - b.at);
}
