import { Type, type Static, type TSchema } from 'typebox';
import { contentHash } from '../../vfs/block.ts';
import { isName, PATH_MAX } from '../../vfs/name.ts';
import { LAST_TIME } from '../../vfs/node.ts';
import { WIRE_CODES } from '../wire-code.ts';
import type {
  Attributes,
  Cursor,
  DeviceRecord,
  Intent,
  IntentResult,
  LocationRecord,
  Mark,
  MemberRecord,
  NodePast,
  NodeRecord,
  PosixRecord,
  Push,
  Rewound,
  SessionRecord,
  ShareRecord,
  SpaceRecord,
  TrashRecord,
  Usage,
  VersionRecord,
  WireContent,
} from '../records.ts';

/**
 * The wire types of the cloud's API (`/v1`), shared by the client and the service. `docs/api.md` shows a call of each.
 *
 * Content is cut into blocks of `BLOCK_SIZE` bytes at multiples of it, the last one shorter; an empty file has none.
 * A block's digest is the SHA-256 of its bytes. A content's hash is the SHA-256 of its blocks' raw digests, concatenated.
 * Both are lower-case hex here; lists of digests are base64 of the concatenated raw bytes (32 each). The list of a content
 * may instead be runs (`vfs/digest-list.ts`: 36 bytes each) where that is shorter; its length tells. Times are
 * milliseconds since 1970 UTC with an optional fraction.
 */

/** Versions that a file of Sync or Backup keeps, the current one included. */
export const KEPT_VERSIONS = 5;

export const WireErrorSchema = Type.Object({
  code: Type.Enum(WIRE_CODES),
  message: Type.String(),
});
export type WireError = Static<typeof WireErrorSchema>;

/** Ids are made by whoever makes the thing (nodes, intents, versions: the client; UUIDv7), opaque to the other side. */
export const Id = Type.String({ minLength: 1, maxLength: 64, pattern: '^(?!\\.{1,2}$)[A-Za-z0-9._-]+$' });
export const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** A name that every POSIX file system can have (`checkName`). */
const Name = Type.Refine(Type.String(), isName, () => 'must be a possible file name of at most 255 bytes');
const Mode = Type.Integer({ minimum: 0, maximum: 0o7777 });
const TimeValue = Type.Number({ minimum: -LAST_TIME, maximum: LAST_TIME });
/** Bytes, and whatever else is counted exactly in a double. */
const Size = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** Fifteen digits. */
const Rev = Type.Integer({ minimum: 0, maximum: 999_999_999_999_999 });
const Target = Type.Refine(
  Type.String({ minLength: 1, maxLength: PATH_MAX }),
  (target) => !/[\0\p{Surrogate}]/u.test(target) && Buffer.byteLength(target) <= PATH_MAX,
  () => `must be the target of a symlink, of at most ${PATH_MAX} bytes`,
);
/** Bytes that all names and values of one node's extended attributes may take together. */
export const XATTRS_MAX = 64 * 1024;
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
  /** Last call with its token. */
  seen: TimeValue,
  /** True for the caller itself. */
  current: Type.Boolean(),
});

export const SpaceSchema = Type.Object({
  id: Id,
  kind: Type.Enum(SPACE_KINDS),
  /** Of a backup: the set. Of the others: the kind. */
  name: Name,
  /** Id of the root folder, which is no node of the feed. */
  root: Id,
  rev: Rev,
  /** Of a backup: whose. */
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

export const NODE_KINDS = ['file', 'folder', 'symlink'] as const;

const NodeFields = Type.Object({
  id: Id,
  space: Id,
  /** The root's id for a child of the root. Of a removed node: where it was. */
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
  /** The device that made this revision. */
  device: Nullable(Id),
  /** A tombstone: the node and all below it are in the Trash or gone. */
  removed: Type.Boolean(),
  size: Size,
  /** Of a file: the current version and its content's hash. */
  version: Nullable(Id),
  hash: Nullable(Digest),
  /** Of a symlink. */
  target: Type.Optional(Target),
  xattrs: Type.Optional(XattrMap),
  posix: Type.Optional(PosixSchema),
  /** Of a folder under which the account has a shared space: that space. */
  mount: Type.Optional(Id),
  /** Of a node that is gone because it has moved to another space of the caller: that space. */
  movedTo: Type.Optional(Id),
});
/** A node of which the parts fit together. */
export const NodeSchema = Type.Refine(
  NodeFields,
  (node) => misfitOf(node) === undefined,
  (node) => misfitOf(node) ?? '',
);

/** What does not fit in a node whose fields are right one by one; of a removed one only its place matters. */
function misfitOf({ id, parent, kind, size, version, hash, target, removed }: NodeRecord): string | undefined {
  if (id === parent) return 'is its own parent';
  if (removed) return undefined;
  if (kind !== 'file' && (version !== null || hash !== null)) return `is a ${kind} with content`;
  if (kind === 'symlink') return target === undefined ? 'is a symlink without a target' : undefined;
  if (kind === 'folder') return undefined;
  if (version === null || hash === null) return 'is a file without content';
  return isSizeOf(size, hash) ? undefined : 'has a size that is not that of its content';
}

const EMPTY_HASH = contentHash(new Uint8Array());

/** A hash tells of one size only: none. */
function isSizeOf(size: number, hash: string): boolean {
  return (size === 0) === (hash === EMPTY_HASH);
}

/** Where a live node is: `path` leads from the child of the root to the node itself. */
export const LocationSchema = Type.Object({
  space: SpaceSchema,
  node: Nullable(NodeSchema),
  path: Type.Array(Type.Object({ id: Id, name: Name })),
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
  () => 'has a size that is not that of its content',
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
  /** Path inside the space where it was, beginning with '/'. */
  path: Type.String(),
  removed: TimeValue,
  /** When it goes for good. */
  expires: TimeValue,
  /** Bytes and files that it holds. */
  size: Size,
  files: Size,
});

export const UsageSchema = Type.Object({
  /** Bytes the account may store. */
  quota: Size,
  /** Bytes of blocks it stores, each once. */
  used: Size,
  /** Bytes of current versions by kind of space. */
  spaces: Type.Record(Type.Enum(SPACE_KINDS), Size),
  trash: Size,
  files: Size,
  /** Blocks that are lost or damaged, if there are any. */
  damaged: Type.Optional(Size),
});

/** New bytes (whose blocks are already uploaded), or those of a version that the caller may read. */
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

/** A folder under a free name, or under the name of `replace`, an empty folder. */
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
 * The node that the intent's `replace` names, as it was afterwards: `removed` if it was replaced, or was gone before; else
 * it was left alone, because it did not have the name (any more). Absent if the space has no such node.
 */
const replaced = Type.Optional(NodeSchema);

const Stamp = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' });

/** One for each intent of a batch, in its order. A refused intent changed nothing; those after it were still tried. */
export const IntentResultSchema = Type.Union([
  Type.Object({
    id: Id,
    status: Type.Literal('done'),
    node: NodeSchema,
    /** Of the node's revision, unless that was there before. */
    stamp: Type.Optional(Stamp),
    replaced,
  }),
  Type.Object({
    id: Id,
    status: Type.Literal('refused'),
    code: Type.Enum(WIRE_CODES),
    message: Type.String(),
    /** `exists`, `conflict`, `gone`: what is there now. */
    current: Type.Optional(NodeSchema),
    replaced,
  }),
]);

/**
 * A revision of a space and the stamp of the commit that gave it out. Stamps are random: metadata that do not know a mark
 * that the service has given out are an older copy, restored, whatever has happened since.
 */
export const MarkSchema = Type.Object({ rev: Rev, stamp: Stamp });

/** The last line of a feed page or snapshot: where to go on, and its stamp. `more` asks to go on at once. */
export const CursorSchema = Type.Object({ cursor: Rev, more: Type.Boolean(), stamp: Type.Optional(Stamp) });

/** The first line of a snapshot if the service does not know one of the caller's marks: it has gone back in time. */
export const RewoundSchema = Type.Object({ rewound: Type.Literal(true) });

/** Push: a space moved, or the list of spaces (their names, members) did, or nothing but a sign of life. */
export const PushSchema = Type.Union([
  Type.Object({ type: Type.Literal('space'), space: Id, rev: Rev }),
  Type.Object({ type: Type.Literal('spaces') }),
  Type.Object({ type: Type.Literal('alive') }),
]);
/** The service sends a sign of life at least this often, ms; a client that hears nothing for three times as long is cut off. */
export const PUSH_ALIVE = 4000;

/** True if two types are the same but for `readonly`. */
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
    Same<Static<typeof NodeSchema>, NodeRecord>,
    Same<Static<typeof LocationSchema>, LocationRecord>,
    Same<Static<typeof SessionSchema>, SessionRecord>,
    Same<Static<typeof VersionSchema>, VersionRecord>,
    Same<Static<typeof PastSchema>, NodePast>,
    Same<Static<typeof TrashSchema>, TrashRecord>,
    Same<Static<typeof UsageSchema>, Usage>,
    Same<Static<typeof ContentSchema>, WireContent>,
    Same<Static<typeof IntentSchema>, Intent>,
    Same<Static<typeof IntentResultSchema>, IntentResult>,
    Same<Static<typeof MarkSchema>, Mark>,
    Same<Static<typeof CursorSchema>, Cursor>,
    Same<Static<typeof RewoundSchema>, Rewound>,
    Same<Static<typeof PushSchema>, Push>,
  ]
>;
