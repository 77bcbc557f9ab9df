import type { BlockFile } from '../vfs/block.ts';
import type { Context } from '../vfs/context.ts';
import type { MadeFiles } from './new-files.ts';
import type {
  Attributes,
  Cursor,
  DeviceRecord,
  Intent,
  IntentResult,
  Mark,
  NodePast,
  NodeRecord,
  Push,
  Rewound,
  SpaceDigest,
  SpaceRecord,
  TrashRecord,
  Usage,
  VersionRecord,
} from './records.ts';

/**
 * The cloud as the gateway sees it: one account, accessed with one device's token. Safe to call concurrently.
 *
 * Errors are `FsError`: `EAGAIN` if the cloud cannot be reached or asks to wait, after the client's own retries (this
 * does not mean that a file is absent); `ETIMEDOUT`; `ENOENT` only if the service has reported that there is no such
 * object; `EACCES` for an invalid or revoked token or a missing right; `EDQUOT`; `EINVAL`; `EINTR` when aborted; `EIO`
 * for an invalid response or content that does not match its digest.
 */
export interface Remote {
  /** The device that the token belongs to. */
  device(context: Context): Promise<DeviceRecord>;

  spaces(context: Context): Promise<SpaceRecord[]>;

  /** Opens the backup space of this device and set, creating it if necessary. */
  openBackup(set: string, context: Context): Promise<SpaceRecord>;

  /** Replaces the attributes of the root folder of a backup of this device. */
  setAttributes(space: string, attributes: Attributes, context: Context): Promise<SpaceRecord>;

  /** Removes a backup space of this device, and moves its nodes to the Trash. */
  removeSpace(space: string, context: Context): Promise<void>;

  /**
   * Yields all live nodes of a space, in no particular order, then a cursor. If the cloud does not know one of the
   * marks, it has gone back in time; then the first item is `Rewound`, and removed nodes are included, too. With
   * `buckets`, only nodes in these (`bucketOf`).
   */
  snapshot(
    space: string,
    context: Context,
    marks?: readonly Mark[],
    buckets?: readonly number[],
  ): AsyncIterable<NodeRecord | BadRecord | Cursor | Rewound>;

  /**
   * A digest of the live nodes of a space. @throws ENOENT also if the service is too old to have one; EAGAIN also while it is
   * still being computed
   */
  digest(space: string, context: Context): Promise<SpaceDigest>;

  /**
   * Yields the nodes changed after the revision `since`, by ascending revision, then a cursor, which is beyond `since`
   * if there is more. @throws ESTALE if a snapshot is needed, because `since` is too old or the cloud does not know one
   * of the marks
   */
  feed(
    space: string,
    since: number,
    context: Context,
    marks?: readonly Mark[],
  ): AsyncIterable<NodeRecord | BadRecord | Cursor>;

  /**
   * Yields push events. Throws when the connection is lost or silent; the caller must then reconnect and query every
   * feed once.
   */
  push(context: Context): AsyncIterable<Push>;

  /**
   * Those of these digests (hex) that have to be uploaded. The others are protected from collection for the grace period.
   * `space` is the shared space of another account that they are for.
   */
  missing(digests: readonly string[], context: Context, space?: string): Promise<string[]>;

  /** Digests (hex) of blocks of the account that the cloud has found lost or damaged; the first of them, if there are many. */
  damaged(context: Context): Promise<string[]>;

  /** Stores blocks, for `space` as above. Splits into requests of the permitted size itself. */
  upload(blocks: readonly UploadBlock[], context: Context, space?: string): Promise<void>;

  /**
   * Yields blocks of versions in the requested order, verified against the digests that were sent with them. Splits
   * them into requests of the permitted size. The caller owns the bytes and their memory, which is allocated by
   * `memory`, if given, unless the bytes are written into the file of the request.
   */
  read(blocks: readonly BlockRequest[], context: Context, memory?: BlockMemory): AsyncIterable<ReadBlock>;

  /**
   * The list of the digests of a version's blocks, see `DigestList`. The caller must check it against the content's
   * hash.
   */
  manifest(version: string, context: Context): Promise<Uint8Array>;

  /** Executes intents in order, each only once even if it is sent repeatedly. The results are in the same order. */
  commit(intents: readonly Intent[], context: Context): Promise<IntentResult[]>;

  /**
   * Makes new files with their contents, all or none, and only once even if it is sent repeatedly.
   * @param body as `encodeNewFiles` makes it; it is not read any more once this resolves
   * @throws EEXIST, ENOENT (also if the cloud is too old to know this), ENOTDIR, EINVAL, EFBIG, EACCES, EDQUOT: nothing was made,
   * and intents say more about each file
   */
  makeFiles(body: Uint8Array, context: Context): Promise<MadeFiles>;

  /** The versions of a file, newest first. */
  versions(node: string, context: Context): Promise<VersionRecord[]>;

  /** All that a space remembers: every node with its kept versions and earlier places, removed ones included. */
  past(space: string, context: Context): AsyncIterable<NodePast>;

  /** Makes an older version the current one again. */
  restoreVersion(node: string, version: string, context: Context): Promise<NodeRecord>;

  trash(context: Context): AsyncIterable<TrashRecord>;

  /**
   * Restores a node to its old place, with a number in its name if that is taken. Missing folders above it are
   * recreated.
   */
  restoreTrash(node: string, context: Context): Promise<NodeRecord>;

  purgeTrash(node: string, password: string | undefined, context: Context): Promise<void>;

  /** Removes a node from the Archive, which needs the account's password. */
  removeArchived(node: string, password: string, context: Context): Promise<void>;

  usage(context: Context): Promise<Usage>;

  /**
   * To be called when the computer has slept or the network has changed, as old connections may then be silently dead.
   * They are replaced; calls in progress are retried on new ones, and a push ends.
   */
  renew(): void;

  close(): Promise<void>;
}

/** An invalid record, which a gateway cannot show, with its valid parts. Other records are not affected. */
export interface BadRecord {
  /** A message that says what is wrong with it. */
  readonly fault: string;
  /** The id of its node. */
  readonly node?: string;
  readonly name?: string;
}

export interface UploadBlock {
  /** hex */
  readonly digest: string;
  /** 1 to `BLOCK_SIZE` bytes */
  readonly data: Uint8Array;
}

export interface BlockRequest {
  readonly version: string;
  /** Index of the block in the version, from 0. */
  readonly index: number;
  /** Bytes that it has, if the caller knows. */
  readonly length?: number;
  /**
   * Called when the block is about to come: where it may be written, once it has been verified. Called again if it is asked for
   * again.
   */
  readonly file?: (() => BlockFile | undefined) | undefined;
}

/** Allocates memory for a number of bytes. */
export type BlockMemory = (length: number) => Uint8Array<ArrayBuffer>;

export interface ReadBlock extends BlockRequest {
  /** hex */
  readonly digest: string;
  readonly data: Uint8Array;
  /** True if the bytes are in the request's file, and `data` is empty. */
  readonly isWritten?: boolean | undefined;
}
