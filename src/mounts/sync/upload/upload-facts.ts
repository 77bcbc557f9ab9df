import type { Entry } from '../../../cache/tree/entry.ts';
import type { PendingIntent } from '../../../cache/tree/journal.ts';
import { MAX_INTENTS } from '../../../cloud/limits.ts';
import { isScratch } from '../../../vfs/name.ts';
import { isCreation } from '../../intents/plan.ts';
import type { Activity } from '../../drive/activity.ts';
import type { Replica } from '../replica.ts';
import type { ScheduleFacts } from './schedule.ts';

/** Content larger than this has a separate lane, bytes. */
const BIG = 8 * 1024 * 1024;
export const BIG_LANES = 2;
/** Bytes of content in one batch. */
const BATCH_BYTES = 32 * 1024 * 1024;

/** In a folder in which programs save by renaming, a new file waits for being renamed, ms: open, and closed. */
const ASIDE_OPEN = 30_000;
const ASIDE = 1_000;

/** What is known about the work on files. */
export type ActivityFacts = Pick<Activity, 'readyAt' | 'isBusy'>;

export interface Urgency {
  /** Whether a flush waits for the intent, so that it need not settle. */
  readonly isHurried: (intent: PendingIntent) => boolean;
  /** Before when it must not be sent again, ms. */
  readonly heldUntil: (seq: number) => number;
}

/** What the schedule needs to know from the journal and the activity on files. */
export function uploadFacts(
  replica: Replica,
  activity: ActivityFacts,
  { isHurried, heldUntil }: Urgency,
): ScheduleFacts {
  const { journal, catalog, pace } = replica;
  const weigh = (intent: PendingIntent): number => {
    if (intent.op !== 'put' || intent.staged === undefined) return 0;
    return catalog.get(intent.node)?.size ?? 0;
  };
  const readyAt = (intent: PendingIntent): number | undefined => {
    const held = heldUntil(intent.seq);
    const entry = catalog.get(intent.node);
    if (entry === undefined || (intent.op !== 'put' && !isCreation(intent))) return held;
    if (isCreation(intent) && isScratch(entry.name)) return undefined;
    const { settle } = replica.policyOf(entry);
    const rushed = isHurried(intent) && (settle === 0 || !activity.isBusy(intent.node));
    if (rushed) return held;
    const ready = activity.readyAt(intent.node, settle);
    if (ready === undefined || settle > 0 || intent.op !== 'put')
      return ready === undefined ? undefined : Math.max(ready, held);
    return Math.max(ready, held, spacedUntil(intent, entry));
  };
  /** When a content that is ready may be uploaded: what is written all the time waits. */
  const spacedUntil = (intent: PendingIntent, entry: Entry): number => {
    const creates = isCreation(intent) && intent.replace === undefined;
    const spaced = pace.readyAt(entry, creates);
    if (!creates || !pace.isReplacing(entry.parent)) return spaced;
    // It may have been written under a temporary name, and be about to replace another file.
    const changed = Math.max(intent.at, entry.ctime);
    const aside = changed + (activity.isBusy(intent.node) ? ASIDE_OPEN : ASIDE);
    return changed > replica.now() ? spaced : Math.max(spaced, aside);
  };
  return {
    get now() {
      return replica.now();
    },
    readyAt,
    isClaimed: (seq) => journal.isClaimed(seq),
    isFolder: (node) => catalog.get(node)?.kind === 'folder',
    isBig: (intent) => weigh(intent) > BIG,
    weigh,
    limits: { intents: MAX_INTENTS, bytes: BATCH_BYTES, big: BIG_LANES },
  };
}
