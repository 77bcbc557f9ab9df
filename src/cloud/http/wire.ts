import { Type, type Static, type TSchema } from 'typebox';
import { BLOCK_SIZE, contentHash } from '../../vfs/block.ts';
import { isName, PATH_MAX } from '../../vfs/name.ts';
import { LAST_TIME } from '../../vfs/node.ts';
import { MAX_NEW_FILES, type MadeFiles, type NewFiles } from '../new-files.ts';
import { WIRE_CODES } from '../wire-code.ts';
import type {
  Attributes,
  BriefResults,
  Cursor,
  DeviceRecord,
  Intent,
  IntentResult,
  LinkRecord,
  LocationRecord,
  Mark,
  MemberRecord,
  NodePast,
  NodeRecord,
  PosixRecord,
  Push,
  Rewound,
  SearchRecord,
  SessionRecord,
  ShareRecord,
  SpaceDigest,
  SpaceRecord,
  TrashRecord,
  Usage,
  VersionRecord,
  WireContent,
} from '../records.ts';

/**
 * The wire types of the cloud's API (`/v1`), shared by the client and the service. `docs/api.md` shows a call of each. They are in one
 * file because they build on each other, and each is a line or two.
 *
 * Content is cut into blocks of `BLOCK_SIZE` bytes at multiples of it, the last one shorter; an empty file has none. A
 * block's digest is the SHA-256 of its bytes. A content's hash is the SHA-256 of its blocks' raw digests, concatenated.
 * Both are lower-case hex here; lists of digests are base64 of the concatenated raw bytes (32 each). The list of a
 * content may instead consist of runs (`vfs/digest-list.ts`: 36 bytes each) if that is shorter; its length shows which
 * form it has. Times are milliseconds since 1970 UTC with an optional fraction.
 */

/** Versions that a file of Sync or Backup keeps, the current one included. */
export const KEPT_VERSIONS = 5;

export const WireErrorSchema = Type.Object({
  code: Type.Enum(WIRE_CODES),
  message: Type.String(),
});
export type WireError = Static<typeof WireErrorSchema>;

/**
 * Ids are created by the side that creates the object (nodes, intents and versions: the client; UUIDv7), and opaque to
 * the other side.
 */
export const Id = Type.String({ minLength: 1, maxLength: 64, pattern: '^(?!\\.{1,2}$)[A-Za-z0-9._-]+$' });
export const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** A name that every POSIX file system can have (`checkName`). */
const Name = Type.Refine(Type.String(), isName, () => 'must be a valid file name of at most 255 bytes');
const Mode = Type.Integer({ minimum: 0, maximum: 0o7777 });
const TimeValue = Type.Number({ minimum: -LAST_TIME, maximum: LAST_TIME });
/** Bytes, and other counts that a double represents exactly. */
const Size = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** A revision; at most fifteen digits. */
const Rev = Type.Integer({ minimum: 0, maximum: 999_999_999_999_999 });
const Target = Type.Refine(
  Type.String({ minLength: 1, maxLength: PATH_MAX }),
  (target) => !/[\0\p{Surrogate}]/u.test(target) && Buffer.byteLength(target) <= PATH_MAX,
  () => `must be the target of a symlink, of at most ${PATH_MAX} bytes`,
);
/** Values are bytes in base64. */
const XattrMap = Type.Refine(Type.Record(Type.String(), Type.String()), areXattrs, () => XATTR_RULE);
const XattrChanges = Type.Refine(Type.Record(Type.String(), Nullable(Type.String())), areXattrs, () => XATTR_RULE);
const XATTR_RULE = 'must have names of 1 to 255 bytes without NUL and values in base64';

function areXattrs(xattrs: Readonly<Record<string, string | null>>): boolean {
  return Object.entries(xattrs).every(([name, value]) => isXattrName(name) && (value === null || isBase64(value)));
}

function isXattrName(name: string): boolean {
  return name !== '' && !/[\0\p{Surrogate}]/u.test(name) && Buffer.byteLength(name) <= 255;
}

function isBase64(value: string): boolean {
  return value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
}

const Uid = Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 });
const UserName = Type.String({ minLength: 1, maxLength: 255, pattern: '^[^\\0:/]+$' });
const Base64 = Type.String({ minLength: 4, maxLength: 5464, pattern: '^[A-Za-z0-9+/]+={0,2}$' });
/** See `PosixRecord`. Fields of later versions are not kept. */
export const PosixSchema = Type.Object({
  v: Type.Integer({ minimum: 1, maximum: 1000 }),
  uid: Type.Optional(Uid),
  gid: Type.Optional(Uid),
  user: Type.Optional(UserName),
  group: Type.Optional(UserName),
  mtimeNs: Type.Optional(Type.String({ pattern: '^-?[0-9]{1,22}$' })),
  name: Type.Optional(Base64),
  target: Type.Optional(Base64),
  link: Type.Optional(Id),
});

export function Nullable<T extends TSchema>(schema: T) {
  return Type.Union([schema, Type.Null()]);
}

export const ROLES = ['owner', 'editor', 'viewer'] as const;
export const SPACE_KINDS = ['sync', 'backup', 'archive', 'shared'] as const;

export const AttributesSchema = Type.Object({
  mode: Mode,
  mtime: TimeValue,
  birthtime: TimeValue,
  xattrs: Type.Optional(XattrMap),
  posix: Type.Optional(PosixSchema),
});

export const DeviceSchema = Type.Object({
  id: Id,
  name: Type.String({ minLength: 1, maxLength: 100 }),
  platform: Type.String({ maxLength: 100 }),
  created: TimeValue,
  /** Time of the last request with its token. */
  seen: TimeValue,
  /** True for the calling device. */
  current: Type.Boolean(),
});

export const SpaceSchema = Type.Object({
  id: Id,
  kind: Type.Enum(SPACE_KINDS),
  /** The set's name for a backup, otherwise the kind. */
  name: Name,
  /** Id of the root folder, which is not in the feed. */
  root: Id,
  rev: Rev,
  /** The owning device of a backup. */
  device: Type.Optional(Type.Object({ id: Id, name: Type.String() })),
  /** Whether the calling device may write. */
  writable: Type.Boolean(),
  /** Of the root folder, if its device has set them. */
  attributes: Type.Optional(AttributesSchema),
  /** Of a shared one: what the account may do, and the node of its Sync under which it has the space. */
  role: Type.Optional(Type.Enum(ROLES)),
  place: Type.Optional(Id),
});

export const MemberSchema = Type.Object({
  email: Type.String({ maxLength: 254 }),
  role: Type.Enum(ROLES),
  accepted: Type.Boolean(),
});

/** A shared folder, as the calling account sees it. */
export const ShareSchema = Type.Object({
  space: Id,
  name: Name,
  owner: Type.String({ maxLength: 254 }),
  role: Type.Enum(ROLES),
  accepted: Type.Boolean(),
  place: Type.Optional(Id),
  members: Type.Array(MemberSchema),
});

/** A public link. */
export const LinkSchema = Type.Object({
  id: Id,
  token: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
  node: Id,
  name: Name,
  kind: Type.Enum(['file', 'folder']),
  upload: Type.Boolean(),
  password: Type.Boolean(),
  by: Type.String({ maxLength: 254 }),
  created: TimeValue,
  expires: Type.Optional(TimeValue),
  active: Type.Boolean(),
});

/** Who has removed something: the name of a computer of the account, or the e-mail address of another one. */
const RemoverSchema = Type.Object({
  device: Type.Optional(Type.String({ maxLength: 1000 })),
  account: Type.Optional(Type.String({ maxLength: 254 })),
});

export const NODE_KINDS = ['file', 'folder', 'symlink'] as const;

const NodeFields = Type.Object({
  id: Id,
  space: Id,
  /** The parent's id, which is the root's id for a child of the root. For a removed node, where it was. */
  parent: Id,
  name: Name,
  kind: Type.Enum(NODE_KINDS),
  mode: Mode,
  mtime: TimeValue,
  birthtime: TimeValue,
  /** When the service last changed the node. */
  ctime: TimeValue,
  rev: Type.Refine(
    Rev,
    (rev) => rev > 0,
    () => 'must be above 0',
  ),
  /** The device that created this revision. */
  device: Nullable(Id),
  /** True for a tombstone: the node and everything below it are in the Trash or permanently deleted. */
  removed: Type.Boolean(),
  size: Size,
  /** Of a file: the current version and its content's hash. */
  version: Nullable(Id),
  hash: Nullable(Digest),
  /** The target of a symlink. */
  target: Type.Optional(Target),
  xattrs: Type.Optional(XattrMap),
  posix: Type.Optional(PosixSchema),
  /** Of a folder under which the account has a shared space: that space. */
  mount: Type.Optional(Id),
  /** Of a node that is gone because it has moved to another space of the caller: that space. */
  movedTo: Type.Optional(Id),
  /** In a feed, of a removed node: who has removed it, if that is known. */
  by: Type.Optional(RemoverSchema),
});
/** A node whose fields are consistent with each other. */
export const NodeSchema = Type.Refine(
  NodeFields,
  (node) => misfitOf(node) === undefined,
  (node) => misfitOf(node) ?? '',
);

/** The inconsistency in a node whose fields are valid individually. For a removed node only its place matters. */
function misfitOf({ id, parent, kind, size, version, hash, target, removed }: NodeRecord): string | undefined {
  if (id === parent) return 'is its own parent';
  if (removed) return undefined;
  if (kind !== 'file' && (version !== null || hash !== null)) return `is a ${kind} with content`;
  if (kind === 'symlink') return target === undefined ? 'is a symlink without a target' : undefined;
  if (kind === 'folder') return undefined;
  if (version === null || hash === null) return 'is a file without content';
  return isSizeOf(size, hash) ? undefined : 'has a size that does not match its content';
}

const EMPTY_HASH = contentHash(new Uint8Array());

/** Whether the size can be that of a content with this hash. Only the hash of empty content determines the size. */
function isSizeOf(size: number, hash: string): boolean {
  return (size === 0) === (hash === EMPTY_HASH);
}

/** Where a live node is: `path` leads from the child of the root to the node itself. */
export const LocationSchema = Type.Object({
  space: SpaceSchema,
  node: Nullable(NodeSchema),
  path: Type.Array(Type.Object({ id: Id, name: Name })),
});

export const SearchSchema = Type.Object({
  results: Type.Array(
    Type.Object({ space: Id, node: NodeSchema, path: Type.Array(Type.Object({ id: Id, name: Name })) }),
  ),
  complete: Type.Boolean(),
});

/** Who is signed in with a browser. */
export const SessionSchema = Type.Object({
  account: Type.Object({ id: Id, email: Type.String() }),
  device: DeviceSchema,
});

export const VersionSchema = Type.Refine(
  Type.Object({
    id: Id,
    node: Id,
    size: Size,
    hash: Digest,
    mtime: TimeValue,
    created: TimeValue,
    device: Nullable(Id),
    current: Type.Boolean(),
  }),
  ({ size, hash }) => isSizeOf(size, hash),
  () => 'has a size that does not match its content',
);

export const PastSchema = Type.Object({
  node: NodeSchema,
  removed: Type.Optional(TimeValue),
  purged: Type.Optional(Type.Boolean()),
  versions: Type.Array(
    Type.Refine(
      Type.Object({
        id: Id,
        size: Size,
        hash: Digest,
        mtime: TimeValue,
        since: TimeValue,
        until: Type.Optional(TimeValue),
      }),
      ({ size, hash }) => isSizeOf(size, hash),
      () => 'has a size that is not that of its content',
    ),
  ),
  places: Type.Array(Type.Object({ parent: Id, name: Type.String(), until: TimeValue })),
});

export const TrashSchema = Type.Object({
  node: NodeSchema,
  /** Its old path inside the space, beginning with '/'. */
  path: Type.String(),
  removed: TimeValue,
  /** When it will be permanently deleted. */
  expires: TimeValue,
  /** Bytes and number of files in it. */
  size: Size,
  files: Size,
  /** Who has removed it, if that is known. */
  by: Type.Optional(RemoverSchema),
});

export const UsageSchema = Type.Object({
  /** Bytes that the account may store. */
  quota: Size,
  /** Bytes of the blocks that it stores, each counted once. */
  used: Size,
  /** Bytes of current versions by kind of space. */
  spaces: Type.Record(Type.Enum(SPACE_KINDS), Size),
  trash: Size,
  files: Size,
  /** Blocks that are lost or damaged, if there are any. */
  damaged: Type.Optional(Size),
});

/** New content, whose blocks must already be uploaded, or that of a version that the caller may read. */
export const ContentSchema = Type.Union([
  Type.Object({ size: Size, /** base64 of the list of digests */ blocks: Type.String() }),
  Type.Object({ from: Id }),
]);

const intent = { id: Id, space: Id, node: Id };
const place = { parent: Id, name: Name };
const born = {
  mode: Mode,
  mtime: TimeValue,
  birthtime: TimeValue,
  xattrs: Type.Optional(XattrMap),
  posix: Type.Optional(PosixSchema),
};

/** Creates a folder under a free name, or in place of `replace`, an empty folder. */
export const MkdirSchema = Type.Object({
  op: Type.Literal('mkdir'),
  ...intent,
  ...place,
  ...born,
  replace: Type.Optional(Id),
  replaceBase: Type.Optional(Nullable(Id)),
});
/**
 * Under a free name, or under the name of `replace`, which is no folder; a file that is replaced lies in the Trash. With
 * `replaceBase`, here and in the other schemas, only if that is the file's current version.
 */
export const SymlinkSchema = Type.Object({
  op: Type.Literal('symlink'),
  ...intent,
  ...place,
  ...born,
  target: Target,
  replace: Type.Optional(Id),
  replaceBase: Type.Optional(Nullable(Id)),
});
/**
 * With `base: null` a new file under a free name, or under the name of `replace`, whose kept versions become older
 * versions of the new node. Else the next version of a node whose current version is `base`, wherever it is now.
 * `predecessor`: the file that had the name a moment ago and was renamed or removed; a new file gets copies of its kept versions.
 */
export const PutSchema = Type.Object({
  op: Type.Literal('put'),
  ...intent,
  ...place,
  ...born,
  version: Id,
  base: Nullable(Id),
  content: ContentSchema,
  replace: Type.Optional(Id),
  predecessor: Type.Optional(Id),
  replaceBase: Type.Optional(Nullable(Id)),
});
/**
 * If the node still is at `from`: to a free name, or to the name of `replace` (as in `put`; a folder must be empty).
 * `predecessor`: as in `put`, for a file that has no older versions of its own.
 */
export const MoveSchema = Type.Object({
  op: Type.Literal('move'),
  ...intent,
  /** The space that it is moved to, if that is another one. */
  targetSpace: Type.Optional(Id),
  ...place,
  from: Type.Object(place),
  replace: Type.Optional(Id),
  predecessor: Type.Optional(Id),
  replaceBase: Type.Optional(Nullable(Id)),
});
export const AttrSchema = Type.Object({
  op: Type.Literal('attr'),
  ...intent,
  mode: Type.Optional(Mode),
  mtime: Type.Optional(TimeValue),
  birthtime: Type.Optional(TimeValue),
  xattrs: Type.Optional(XattrChanges),
  posix: Type.Optional(PosixSchema),
});
/**
 * To the Trash, with all below. A file only if its version still is `base`; a folder only if nothing below it has a
 * revision above `seen` made by another device; with `empty`, only if nothing is in it, whoever made it. A node that is gone already is a success.
 */
export const RemoveSchema = Type.Object({
  op: Type.Literal('remove'),
  ...intent,
  base: Nullable(Id),
  seen: Size,
  empty: Type.Optional(Type.Boolean()),
});
export const IntentSchema = Type.Union([MkdirSchema, SymlinkSchema, PutSchema, MoveSchema, AttrSchema, RemoveSchema]);

/**
 * The node that the intent's `replace` names, as it is afterwards: `removed` if it was replaced or had been removed
 * before; otherwise it is unchanged, because it did not have the name (any more). Absent if the space has no such node.
 */
const replaced = Type.Optional(NodeSchema);

const Stamp = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' });

/**
 * One result for each intent of a batch, in the same order. A refused intent has changed nothing; those after it were
 * still tried.
 */
export const IntentResultSchema = Type.Union([
  Type.Object({
    id: Id,
    status: Type.Literal('done'),
    node: NodeSchema,
    /** The stamp of the node's revision, if the revision is new. */
    stamp: Type.Optional(Stamp),
    replaced,
  }),
  Type.Object({
    id: Id,
    status: Type.Literal('refused'),
    code: Type.Enum(WIRE_CODES),
    message: Type.String(),
    /** For `exists`, `conflict` and `gone`: the node as it is now. */
    current: Type.Optional(NodeSchema),
    replaced,
  }),
]);

/** In a brief response, the result of an intent that has made a node: what the intent does not say of it itself. */
export const MadeResultSchema = Type.Object({
  id: Id,
  status: Type.Literal('made'),
  rev: Rev,
  hash: Nullable(Digest),
  stamp: Stamp,
});
export const BriefResultsSchema = Type.Object({
  results: Type.Array(Type.Union([MadeResultSchema, IntentResultSchema])),
  /** Of all nodes that were made: the time, and the device. Absent from a service that knows no brief responses. */
  ctime: Type.Optional(TimeValue),
  device: Type.Optional(Id),
});

/** See `NewFiles`. Each list has as many items as `node`. */
export const NewFilesSchema = Type.Object({
  id: Id,
  space: Id,
  folders: listOf(Id),
  folder: listOf(Type.Integer({ minimum: 0, maximum: MAX_NEW_FILES - 1 })),
  node: listOf(Id),
  version: listOf(Id),
  name: listOf(Name),
  mode: listOf(Mode),
  mtime: listOf(TimeValue),
  birthtime: listOf(TimeValue),
  size: listOf(Type.Integer({ minimum: 0, maximum: BLOCK_SIZE })),
  posix: listOf(PosixSchema),
  xattrs: Type.Record(Type.String({ pattern: '^[0-9]{1,4}$' }), XattrMap),
  digests: Type.String({ pattern: '^[A-Za-z0-9+/]*={0,2}$' }),
});

function listOf<T extends TSchema>(schema: T) {
  return Type.Array(schema, { minItems: 1, maxItems: MAX_NEW_FILES });
}

export const MadeFilesSchema = Type.Object({ id: Id, rev: Rev, stamp: Stamp });

/**
 * A revision of a space and the stamp of the commit that assigned it. Stamps are random. So if the service does not
 * know a mark that it has issued, its metadata was restored from an older copy, whatever has happened since.
 */
export const MarkSchema = Type.Object({ rev: Rev, stamp: Stamp });

/**
 * The last line of a feed page or snapshot: the revision to continue from, and its stamp. With `more` the client should
 * continue at once.
 */
export const CursorSchema = Type.Object({ cursor: Rev, more: Type.Boolean(), stamp: Type.Optional(Stamp) });

/** The first line of a snapshot if the service does not know one of the caller's marks: it has gone back in time. */
export const RewoundSchema = Type.Object({ rewound: Type.Literal(true) });

/** `sums`: base64 of 256 sums of 16 bytes (`tree-digest.ts`). */
export const SpaceDigestSchema = Type.Object({
  format: Type.Integer({ minimum: 1, maximum: 1000 }),
  rev: Rev,
  nodes: Size,
  sums: Type.String({ pattern: '^[A-Za-z0-9+/]{5462}==$' }),
});

/**
 * A push event: a space has a new revision, the list of spaces (names, members) has changed, or only a sign of life.
 */
export const PushSchema = Type.Union([
  Type.Object({ type: Type.Literal('space'), space: Id, rev: Rev }),
  Type.Object({ type: Type.Literal('spaces') }),
  Type.Object({ type: Type.Literal('alive') }),
]);
/**
 * The service sends an event at least this often, ms. A client that receives none for three times as long treats the
 * connection as dead.
 */
export const PUSH_ALIVE = 4000;

/** True if two types are equal apart from `readonly`. */
type Same<A, B> = [Mutable<A>, Mutable<B>] extends [Mutable<B>, Mutable<A>] ? true : false;
type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;
type All<T extends readonly true[]> = T;

/** Compiles only while every schema describes exactly its record. */
export type SchemasMatchRecords = All<
  [
    Same<Static<typeof DeviceSchema>, DeviceRecord>,
    Same<Static<typeof PosixSchema>, PosixRecord>,
    Same<Static<typeof AttributesSchema>, Attributes>,
    Same<Static<typeof SpaceSchema>, SpaceRecord>,
    Same<Static<typeof MemberSchema>, MemberRecord>,
    Same<Static<typeof ShareSchema>, ShareRecord>,
    Same<Static<typeof LinkSchema>, LinkRecord>,
    Same<Static<typeof NodeSchema>, NodeRecord>,
    Same<Static<typeof LocationSchema>, LocationRecord>,
    Same<Static<typeof SearchSchema>, SearchRecord>,
    Same<Static<typeof SessionSchema>, SessionRecord>,
    Same<Static<typeof VersionSchema>, VersionRecord>,
    Same<Static<typeof PastSchema>, NodePast>,
    Same<Static<typeof TrashSchema>, TrashRecord>,
    Same<Static<typeof UsageSchema>, Usage>,
    Same<Static<typeof ContentSchema>, WireContent>,
    Same<Static<typeof IntentSchema>, Intent>,
    Same<Static<typeof IntentResultSchema>, IntentResult>,
    Same<Static<typeof BriefResultsSchema>, BriefResults>,
    Same<Static<typeof NewFilesSchema>, NewFiles>,
    Same<Static<typeof MadeFilesSchema>, MadeFiles>,
    Same<Static<typeof MarkSchema>, Mark>,
    Same<Static<typeof CursorSchema>, Cursor>,
    Same<Static<typeof RewoundSchema>, Rewound>,
    Same<Static<typeof SpaceDigestSchema>, SpaceDigest>,
    Same<Static<typeof PushSchema>, Push>,
  ]
>;
