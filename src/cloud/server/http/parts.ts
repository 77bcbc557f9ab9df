import type { Accounts } from '../accounts.ts';
import type { BlockCarrier } from '../blocks/carrier.ts';
import type { Digests } from '../digests.ts';
import type { FileMaker } from '../file-maker.ts';
import type { BlockReader } from '../blocks/block-reader.ts';
import type { Uploads } from '../blocks/uploads.ts';
import type { MetaStore } from '../meta/meta-store.ts';
import type { LinkUploads } from '../link-uploads.ts';
import type { Passwords } from '../passwords.ts';
import type { PushHub } from '../push.ts';
import type { SecondFactor } from '../second-factor.ts';
import type { Search } from '../search/search.ts';
import type { Rates } from '../rates.ts';

/** The parts of the service that routes use. */
export interface Parts {
  readonly meta: MetaStore;
  readonly reader: BlockReader;
  readonly uploads: Uploads;
  readonly carrier: BlockCarrier;
  readonly fileMaker: FileMaker;
  readonly hub: PushHub;
  readonly digests: Digests;
  readonly accounts: Accounts;
  readonly passwords: Passwords;
  readonly secondFactor: SecondFactor;
  readonly linkUploads: LinkUploads;
  readonly search: Search;
  /** Requests to public links. */
  readonly visits: Rates;
}
