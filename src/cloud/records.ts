import type { WireCode } from './wire-code.ts';

/**
 * The cloud's records, and the intents that it executes. Ids are opaque; digests and hashes are lower-case hex
 * (`vfs/block.ts`); times are milliseconds since 1970 UTC with an optional fraction; sizes are bytes. They refer to each other, and each is
 * a few lines, so they are not cut apart.
 */

export type SpaceKind = 'sync' | 'backup' | 'archive' | 'shared';

/** What an account may do in a shared space: `owner` and `editor` everything, `viewer` only read. */
export type Role = 'owner' | 'editor' | 'viewer';

/** One who has a shared folder, or is invited to it. */
export interface MemberRecord {
  readonly email: string;
  readonly role: Role;
  readonly accepted: boolean;
}

/** A shared folder, as the calling account sees it. */
export interface ShareRecord {
  /** Its space. */
  readonly space: string;
  /** What it is called: by the account itself, or, of an invitation, by the owner. */
  readonly name: string;
  /** E-mail. */
  readonly owner: string;
  /** The account's own. */
  readonly role: Role;
  /** False for an invitation. */
  readonly accepted: boolean;
  /** The folder of the account's Sync under which it has the space. */
  readonly place?: string;
  /** All, owner included; of an invitation, and for others than the owner, without those who have not accepted. */
  readonly members: readonly MemberRecord[];
}

/** A public link: an address that opens a file or folder of Sync without an account. */
export interface LinkRecord {
  readonly id: string;
  /** The address is `/l/` and this, at the cloud. */
  readonly token: string;
  readonly node: string;
  readonly name: string;
  readonly kind: 'file' | 'folder';
  /** Whether it takes files and shows nothing. */
  readonly upload: boolean;
  /** Whether it asks for a password. */
  readonly password: boolean;
  /** E-mail of the account that made it. */
  readonly by: string;
  readonly created: number;
  /** When it ends. */
  readonly expires?: number;
  /** False while it opens nothing: the node is in the Trash, or its maker may not link it any more. */
  readonly active: boolean;
}

/** What a new link is to be. */
export interface NewLink {
  readonly node: string;
  readonly upload?: boolean;
  readonly password?: string;
  readonly expires?: number;
}

export interface DeviceRecord {
  readonly id: string;
  readonly name: string;
  readonly platform: string;
  readonly created: number;
  /** Time of the last request with its token. */
  readonly seen: number;
  /** True for the calling device. */
  readonly current: boolean;
}

export interface SpaceRecord {
  readonly id: string;
  readonly kind: SpaceKind;
  /** The set's name for a backup, otherwise the kind. */
  readonly name: string;
  /** Id of the root folder, which is not in the feed. */
  readonly root: string;
  readonly rev: number;
  /** The owning device of a backup. */
  readonly device?: { readonly id: string; readonly name: string };
  /** Whether the calling device may write. */
  readonly writable: boolean;
  /** Of the root folder, if its device has set them. */
  readonly attributes?: Attributes;
  /** Of a shared one: what the account may do, and the node of its Sync under which it has the space. */
  readonly role?: Role;
  readonly place?: string;
}

/** What the root folder of a space has besides its content. */
export interface Attributes {
  readonly mode: number;
  readonly mtime: number;
  readonly birthtime: number;
  readonly xattrs?: XattrRecord;
  readonly posix?: PosixRecord;
}

export interface NodeRecord {
  readonly id: string;
  readonly space: string;
  /** The parent's id, which is the root's id for a child of the root. For a removed node, where it was. */
  readonly parent: string;
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'symlink';
  readonly mode: number;
  readonly mtime: number;
  readonly birthtime: number;
  /** When the service last changed the node. */
  readonly ctime: number;
  /** The revision; above 0. */
  readonly rev: number;
  /** The device that created this revision. */
  readonly device: string | null;
  /** True for a tombstone: the node and everything below it are in the Trash or permanently deleted. */
  readonly removed: boolean;
  readonly size: number;
  /** Of a file: the current version and its content's hash. */
  readonly version: string | null;
  readonly hash: string | null;
  /** The target of a symlink. */
  readonly target?: string;
  readonly xattrs?: XattrRecord;
  readonly posix?: PosixRecord;
  /** Of a folder under which the account has a shared space: that space. */
  readonly mount?: string;
  /** Of a node that is gone because it has moved to another space of the caller: that space. */
  readonly movedTo?: string;
  /** In a feed, of a removed node: who has removed it, if that is known. */
  readonly by?: Remover;
}

/** Who has removed something: the name of a computer of the account, or the e-mail address of another one. */
export interface Remover {
  readonly device?: string;
  readonly account?: string;
}

/** Values are bytes in base64. */
export type XattrRecord = Readonly<Record<string, string>>;

/**
 * What a backup keeps of a file on a POSIX system that the other fields of its node cannot carry; replaced as a whole. The cloud
 * keeps it and does not look at it.
 */
export interface PosixRecord {
  /** 1. A reader that knows only lower ones may miss something that it needs. */
  readonly v: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Names of `uid` and `gid` on the computer of the backup; absent if they had none there. */
  readonly user?: string;
  readonly group?: string;
  /** Exact time of modification: nanoseconds since 1970 UTC in decimal. It counts only if it rounds to `mtime`. */
  readonly mtimeNs?: string;
  /** Bytes of the name in base64, if `name` is only a readable form of it (`vfs/raw-name.ts`). */
  readonly name?: string;
  /** Of a symlink: bytes of the target in base64, if `target` is only a readable form of it. */
  readonly target?: string;
  /** Of a file with several names: nodes of the space with the same value are one file. */
  readonly link?: string;
}

/** Where a live node is. */
export interface LocationRecord {
  readonly space: SpaceRecord;
  /** `null`: the root of the space. */
  readonly node: NodeRecord | null;
  /** From the child of the root to the node itself; empty for the root. */
  readonly path: readonly { readonly id: string; readonly name: string }[];
}

/** What a search by name has found. */
export interface SearchRecord {
  readonly results: readonly FoundNode[];
  /** False while names are missing in the index, which it is taking in. */
  readonly complete: boolean;
}

/** A live node, and where it is, as in `LocationRecord`. */
export interface FoundNode {
  /** The id of its space. */
  readonly space: string;
  readonly node: NodeRecord;
  readonly path: LocationRecord['path'];
}

/** Whether the account needs codes of an authenticator app beside its password. */
export interface SecondFactorRecord {
  readonly enabled: boolean;
  /** Recovery codes that are left. */
  readonly recovery: number;
}

/** Who is signed in: a session is a device whose platform is `web`. */
export interface SessionRecord {
  readonly account: { readonly id: string; readonly email: string };
  readonly device: DeviceRecord;
}

export interface VersionRecord {
  readonly id: string;
  readonly node: string;
  readonly size: number;
  readonly hash: string;
  readonly mtime: number;
  readonly created: number;
  readonly device: string | null;
  readonly current: boolean;
}

/** A node with what the service remembers of its past. */
export interface NodePast {
  readonly node: NodeRecord;
  /** When it was removed; what is below a removed folder is not removed itself. */
  readonly removed?: number;
  /** Its content is gone for good, or belongs to the node that took its place. */
  readonly purged?: boolean;
  /** Oldest first, those that were thinned out left out. */
  readonly versions: readonly PastVersion[];
  /** Where it was before its renames, oldest first. */
  readonly places: readonly PastPlace[];
}

/** A kept version and when it was the current one; `until` is absent from the one that still is. */
export interface PastVersion {
  readonly id: string;
  readonly size: number;
  readonly hash: string;
  readonly mtime: number;
  readonly since: number;
  readonly until?: number;
}

export interface PastPlace {
  readonly parent: string;
  readonly name: string;
  readonly until: number;
}

export interface TrashRecord {
  readonly node: NodeRecord;
  /** Its old path inside the space, beginning with '/'. */
  readonly path: string;
  readonly removed: number;
  /** When it will be permanently deleted. */
  readonly expires: number;
  /** Bytes and number of files in it. */
  readonly size: number;
  readonly files: number;
  /** Who has removed it, if that is known. */
  readonly by?: Remover;
}

export interface Usage {
  /** Bytes that the account may store. */
  readonly quota: number;
  /** Bytes of the blocks that it stores, each counted once. */
  readonly used: number;
  /** Bytes of current versions by kind of space. */
  readonly spaces: Readonly<Record<SpaceKind, number>>;
  readonly trash: number;
  readonly files: number;
  /** Blocks that are lost or damaged, if there are any. */
  readonly damaged?: number;
}

/** New content, whose blocks must already be uploaded, or that of a version that the caller may read. */
export type WireContent =
  { readonly size: number; /** base64 of the list of digests */ readonly blocks: string } | { readonly from: string };

interface IntentFields {
  readonly id: string;
  readonly space: string;
  readonly node: string;
}

interface PlaceFields {
  readonly parent: string;
  readonly name: string;
}

interface NewFields {
  readonly mode: number;
  readonly mtime: number;
  readonly birthtime: number;
  readonly xattrs?: XattrRecord;
  readonly posix?: PosixRecord;
}

/** Creates a folder under a free name, or in place of `replace`, an empty folder. */
export interface MkdirIntent extends IntentFields, PlaceFields, NewFields {
  readonly op: 'mkdir';
  readonly replace?: string;
  readonly replaceBase?: string | null;
}

/**
 * Creates a symlink under a free name, or in place of `replace`, which must not be a folder; a replaced file goes to
 * the Trash.
 */
export interface SymlinkIntent extends IntentFields, PlaceFields, NewFields {
  readonly op: 'symlink';
  readonly target: string;
  readonly replace?: string;
  readonly replaceBase?: string | null;
}

/**
 * With `base: null` a new file under a free name, or under the name of `replace`, whose kept versions become older
 * versions of the new node. Else the next version of a node whose current version is `base`, wherever it is now.
 * `predecessor`: the file that had the name a moment ago and was renamed or removed; a new file gets copies of its kept versions.
 */
export interface PutIntent extends IntentFields, PlaceFields, NewFields {
  readonly op: 'put';
  readonly version: string;
  readonly base: string | null;
  readonly content: WireContent;
  readonly replace?: string;
  readonly predecessor?: string;
  readonly replaceBase?: string | null;
}

/**
 * If the node still is at `from`: to a free name, or to the name of `replace` (as in `put`; a folder must be empty).
 * `predecessor`: as in `put`, for a file that has no older versions of its own.
 */
export interface MoveIntent extends IntentFields, PlaceFields {
  readonly op: 'move';
  /** The space that it is moved to, if that is another one. */
  readonly targetSpace?: string;
  readonly from: PlaceFields;
  readonly replace?: string;
  readonly predecessor?: string;
  readonly replaceBase?: string | null;
}

export interface AttrIntent extends IntentFields {
  readonly op: 'attr';
  readonly mode?: number;
  readonly mtime?: number;
  readonly birthtime?: number;
  /** `null` removes an attribute. */
  readonly xattrs?: Readonly<Record<string, string | null>>;
  readonly posix?: PosixRecord;
}

/**
 * Moves a node with everything below it to the Trash. A file only if its version is still `base`; a folder only if no
 * other device has created a revision above `seen` below it. Succeeds if the node has already been removed.
 */
export interface RemoveIntent extends IntentFields {
  readonly op: 'remove';
  readonly base: string | null;
  readonly seen: number;
  readonly empty?: boolean;
}

export type Intent = MkdirIntent | SymlinkIntent | PutIntent | MoveIntent | AttrIntent | RemoveIntent;
export type IntentOp = Intent['op'];

interface ResultFields {
  readonly id: string;
  /**
   * The node that the intent's `replace` names, as it is afterwards: `removed` if it was replaced or had been removed
   * before; otherwise it is unchanged, because it did not have the name (any more). Absent if the space has no such
   * node.
   */
  readonly replaced?: NodeRecord;
}

export interface DoneResult extends ResultFields {
  readonly status: 'done';
  readonly node: NodeRecord;
  /** The stamp of the node's revision, if the revision is new. */
  readonly stamp?: string;
}

export interface RefusedResult extends ResultFields {
  readonly status: 'refused';
  readonly code: WireCode;
  readonly message: string;
  /** For `exists`, `conflict` and `gone`: the node as it is now. */
  readonly current?: NodeRecord;
}

/**
 * One result for each intent of a batch, in the same order. A refused intent has changed nothing; those after it were
 * still tried.
 */
export type IntentResult = DoneResult | RefusedResult;

/** In a brief response, the result of an intent that has made a node: what the intent does not say of it itself. */
export interface MadeResult {
  readonly id: string;
  readonly status: 'made';
  readonly rev: number;
  readonly hash: string | null;
  readonly stamp: string;
}

/** A brief response to intents. */
export interface BriefResults {
  readonly results: readonly (MadeResult | IntentResult)[];
  /** Of all nodes that were made: the time, and the device. Absent from a service that knows no brief responses. */
  readonly ctime?: number;
  readonly device?: string;
}

/**
 * A revision of a space and the stamp of the commit that assigned it. Stamps are random. So if the service does not
 * know a mark that it has issued, its metadata was restored from an older copy, whatever has happened since.
 */
export interface Mark {
  readonly rev: number;
  readonly stamp: string;
}

/**
 * The end of a feed page or snapshot: the revision to continue from, and its stamp. With `more` the client should
 * continue at once.
 */
export interface Cursor {
  readonly cursor: number;
  readonly more: boolean;
  readonly stamp?: string;
}

/** A digest of the live nodes of a space at a revision; see `TreeDigest`. */
export interface SpaceDigest {
  /** `DIGEST_FORMAT` of the service. */
  readonly format: number;
  readonly rev: number;
  readonly nodes: number;
  /** Base64 of the sums of the buckets. */
  readonly sums: string;
}

/** The beginning of a snapshot if the service does not know one of the caller's marks: it has gone back in time. */
export interface Rewound {
  readonly rewound: true;
}

/**
 * A push event: a space has a new revision, the list of spaces (names, members) has changed, or only a sign of life.
 */
export type Push =
  | { readonly type: 'space'; readonly space: string; readonly rev: number }
  | { readonly type: 'spaces' }
  | { readonly type: 'alive' };
