import type { Accounts } from '../accounts.ts';
import type { BlockStore } from '../blocks/block-store.ts';
import type { Uploads } from '../blocks/uploads.ts';
import type { MetaStore } from '../meta/meta-store.ts';
import type { PushHub } from '../push.ts';

/** What the routes stand on. */
export interface Parts {
  readonly meta: MetaStore;
  readonly store: BlockStore;
  readonly uploads: Uploads;
  readonly hub: PushHub;
  readonly accounts: Accounts;
}
