import type { Kysely } from 'kysely';
import type { NodeRecord, Role, SpaceKind } from '../../records.ts';

/** The tables. Times are milliseconds since 1970 UTC; flags are 0 and 1; digests and hashes are lower-case hex. */
export interface Database {
  accounts: AccountRow;
  devices: DeviceRow;
  spaces: SpaceRow;
  nodes: NodeRow;
  versions: VersionRow;
  intents: IntentRow;
  batches: BatchRow;
  blocks: BlockRow;
  arrivals: ArrivalRow;
  stamps: StampRow;
  members: MemberRow;
  departures: DepartureRow;
  space_blocks: SpaceBlockRow;
  places: PlaceRow;
  links: LinkRow;
  second_factors: SecondFactorRow;
  recovery_codes: RecoveryCodeRow;
}

/** The secret that an account shares with an authenticator app. */
export interface SecondFactorRow {
  account: string;
  /** Base32. */
  secret: string;
  /** Since when codes are needed; `null` until one has proved that the app has the secret. */
  confirmed: number | null;
  /** Number of the step of the last code that was accepted. */
  used: number;
}

/** Accepted once instead of a code of the app. */
export interface RecoveryCodeRow {
  account: string;
  /** SHA-256, hex. */
  hash: string;
}

/** A public link. */
export interface LinkRow {
  id: string;
  /** SHA-256 of the token, hex: what is looked up. */
  hash: string;
  token: string;
  /** Which made it, and in whose name it opens the node. */
  account: string;
  node: string;
  /** Whether it takes files and shows nothing. */
  upload: 0 | 1;
  /** PHC string of argon2id. */
  password: string | null;
  created: number;
  expires: number | null;
}

/** Where a node was, up to a rename. */
export interface PlaceRow {
  node: string;
  parent: string;
  name: string;
  /** When it left. */
  until: number;
  /** The space and the revision there by which it left; the space is '' in rows that are older than this column. */
  space: string;
  rev: number;
}

/** One row for each commit that assigned revisions of a space, written in the same transaction. */
export interface StampRow {
  space: string;
  /** The last revision of the commit. */
  rev: number;
  /** Random, so that a copy of the metadata with a different history can be recognized. */
  stamp: string;
  created: number;
}

/** A connection, or a transaction on it. */
export type Db = Kysely<Database>;

export interface AccountRow {
  id: string;
  /** Lower case. */
  email: string;
  /** PHC string of argon2id. */
  password: string;
  /** Bytes. */
  quota: number;
  /** Bytes of blocks that versions refer to, each block once. */
  used: number;
  created: number;
}

export interface DeviceRow {
  id: string;
  account: string;
  name: string;
  platform: string;
  /** SHA-256 of the token, hex. */
  token: string;
  created: number;
  seen: number;
  revoked: number | null;
}

export interface SpaceRow {
  id: string;
  account: string;
  kind: SpaceKind;
  name: string;
  /** Id of the root folder, which has no row in `nodes`. */
  root: string;
  /** The last assigned revision. */
  rev: number;
  /** Tombstones up to this revision have been purged. */
  floor: number;
  /** The owning device of a backup space; '' for other spaces. */
  device: string;
  /** Bytes of the current versions of its files, those in the Trash included. */
  bytes: number;
  files: number;
  created: number;
  removed: number | null;
  /** JSON of the root folder's `Attributes`. */
  attributes: string | null;
}

/**
 * A node is live if `removed` is null for it and all folders above it. Removing changes one row; everything below stays
 * attached to it.
 */
export interface NodeRow {
  id: string;
  space: string;
  parent: string;
  name: string;
  kind: NodeRecord['kind'];
  mode: number;
  mtime: number;
  birthtime: number;
  ctime: number;
  rev: number;
  /** Which made the last change. */
  device: string | null;
  /** The revision of the last change by any other device than that one; 0 if there was none. */
  others: number;
  size: number;
  version: string | null;
  hash: string | null;
  target: string | null;
  /** JSON of name → base64. */
  xattrs: string | null;
  /** JSON of a `PosixRecord`. */
  posix: string | null;
  removed: number | null;
  purged: Purged;
  /** Of the folder under which an account has a shared space: that space. Its own children are in no space. */
  mount: string | null;
}

/** An account that a shared space is shared with, or is to be; its owner is one of them. */
export interface MemberRow {
  space: string;
  /** Lower case; there need not be an account of it yet. */
  email: string;
  /** Who has accepted. */
  account: string | null;
  role: Role;
  /** The folder of the account's Sync under which it has the space. */
  place: string | null;
  created: number;
}

/** A node that has moved to another space: the tombstone that it has left in this one. */
export interface DepartureRow {
  space: string;
  node: string;
  rev: number;
  /** JSON of the `NodeRecord`. */
  record: string;
  /** Where it has gone. */
  target: string;
  created: number;
}

/** A block that versions of a shared space contain, or that was uploaded for one: its members may know that it is there. */
export interface SpaceBlockRow {
  space: string;
  digest: string;
  /** How many versions of the space contain it. */
  refs: number;
  /** When it was uploaded last. */
  touched: number;
}

/** 0: not purged. 1: purged, but some children may not be. 2: purged with everything below. */
export type Purged = 0 | 1 | 2;

export interface VersionRow {
  id: string;
  node: string;
  /** Order among the versions of the node: the node's revision when the version became the current one. */
  rank: number;
  size: number;
  hash: string;
  mtime: number;
  created: number;
  /** When it became the current one, ms. */
  since: number;
  /** When it was superseded, ms; `null` for the current one and for versions from before this column existed. */
  until: number | null;
  device: string | null;
  /** The digests of its blocks, as `DigestList.toBytes` writes them. */
  manifest: Uint8Array;
}

/** The recorded outcome of an executed intent, returned if the intent is sent again. */
export interface IntentRow {
  device: string;
  id: string;
  /** JSON of the `IntentResult`. */
  result: string;
  created: number;
}

/** The recorded outcomes of many executed intents, whose ids are between `first` and `last`. */
export interface BatchRow {
  device: string;
  first: string;
  last: string;
  /** JSON of the `IntentResult`s. */
  results: string;
  created: number;
}

/**
 * `writing`: being uploaded. `stored`: present. `condemned`: its removal has begun; it counts as missing. `damaged`: it
 * was stored, but its bytes were found lost or wrong; it counts as missing, even if versions contain it.
 */
export type BlockState = 'writing' | 'stored' | 'condemned' | 'damaged';

/** See `BlockRow.awaited`. */
export const MANY = '*';

export interface BlockRow {
  account: string;
  digest: string;
  size: number;
  /** How many versions contain it. */
  refs: number;
  state: BlockState;
  /** When it was last uploaded, requested, or dropped by a version, ms. */
  touched: number;
  /**
   * The device whose uncommitted upload was told that the block is stored; `*` if there are several. An upload that is
   * never committed stays recorded. `null`: no upload counts on the block.
   */
  awaited: string | null;
  /**
   * Changes whenever a condemned row is revived. An unchanged generation proves to an uploader that the block was not
   * removed in the meantime. Blocks that one upload wrote together may have the same generation.
   */
  generation: string;
}

/** Blocks whose bytes are being stored together with the files that contain them; these give them their rows. */
export interface ArrivalRow {
  id: string;
  account: string;
  /** For each block its size (32 bits, big-endian) and raw digest. */
  blocks: Uint8Array;
}
