import type { Catalog } from '../../cache/tree/catalog.ts';
import type { ContentStore, Staging } from '../../cache/content/content.ts';
import type { GroupWriter } from '../../cache/db/group-writer.ts';
import type { Journal } from '../../cache/tree/journal.ts';
import type { AccountRoom } from './account-room.ts';
import type { Activity } from './activity.ts';
import type { Changes } from './changes.ts';
import type { IntentPlanner } from '../intents/planner.ts';

/** What open files and the drive share with uploader and follower. */
export interface DriveParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly planner: IntentPlanner;
  readonly writer: GroupWriter;
  readonly staging: Staging;
  readonly store: ContentStore;
  readonly changes: Changes;
  readonly activity: Activity;
  readonly room: AccountRoom;
  /** ms since 1970 */
  readonly now: () => number;
}
