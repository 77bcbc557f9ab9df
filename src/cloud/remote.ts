import type { BlockFile } from '../vfs/block.ts';
import type { Context } from '../vfs/context.ts';
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
  SpaceRecord,
  TrashRecord,
  Usage,
  VersionRecord,
} from './records.ts';

/**
 * The cloud as the gateway sees it: one account through one device's token. Safe to call concurrently.
 *
 * Failures are `FsError`: `EAGAIN` when the cloud cannot be reached or asks to wait, after the client's own retries (it
 * says nothing about the files: unreachable is not absent); `ETIMEDOUT`; `ENOENT` only when the service has answered
 * that there is no such thing; `EACCES` for a bad or revoked token or a right that is missing; `EDQUOT`; `EINVAL`;
 * `EINTR` when aborted; `EIO` for an answer that makes no sense or content that does not match its digest.
 */
export interface Remote {
  /** The device that the token belongs to. */
  device(context: Context): Promise<DeviceRecord>;

  spaces(context: Context): Promise<SpaceRecord[]>;

  /** The backup space of this device and set; made if there is none. */
  openBackup(set: string, context: Context): Promise<SpaceRecord>;

  /** Replaces the attributes of the root folder of a backup of this device. */
  setAttributes(space: string, attributes: Attributes, context: Context): Promise<SpaceRecord>;

  /** Removes a backup space of this device; its nodes go to the Trash. */
  removeSpace(space: string, context: Context): Promise<void>;

  /**
   * All live nodes of a space, parents before or after their children, then one cursor. Before them comes `Rewound` if the
   * cloud does not know one of the marks, which it has given out: it has gone back in time, and then the nodes that it knows
   * as removed come, too.
   */
  snapshot(
    space: string,
    context: Context,
    marks?: readonly Mark[],
  ): AsyncIterable<NodeRecord | BadRecord | Cursor | Rewound>;

  /**
   * Nodes changed after the revision `since`, in the order of revisions, then one cursor, which is beyond `since` if there
   * is more. @throws ESTALE: take a snapshot (`since` is too old, or the cloud does not know one of the marks)
   */
  feed(
    space: string,
    since: number,
    context: Context,
    marks?: readonly Mark[],
  ): AsyncIterable<NodeRecord | BadRecord | Cursor>;

  /** Ends by throwing when the connection is lost or silent; the caller reconnects and asks every feed once. */
  push(context: Context): AsyncIterable<Push>;

  /** Which of these digests (hex) the account lacks; those it has are safe from collection for the grace period. */
  missing(digests: readonly string[], context: Context): Promise<string[]>;

  /** Digests (hex) of blocks of the account that the cloud has found lost or damaged; the first of them, if there are many. */
  damaged(context: Context): Promise<string[]>;

  /** Stores blocks. Splits into requests of the permitted size itself. */
  upload(blocks: readonly UploadBlock[], context: Context): Promise<void>;

  /**
   * Blocks of versions, verified against the digests that came with them, in the order asked for. Splits into requests
   * of the permitted size itself. The bytes are the caller's, memory included; that comes from `memory`, if it is given, unless
   * they are written into the request's file.
   */
  read(blocks: readonly BlockRequest[], context: Context, memory?: BlockMemory): AsyncIterable<ReadBlock>;

  /** The list of the digests of a version's blocks, see `DigestList`. The caller checks it against the content's hash. */
  manifest(version: string, context: Context): Promise<Uint8Array>;

  /** Executes intents in order, each once however often it is sent; results in the same order. */
  commit(intents: readonly Intent[], context: Context): Promise<IntentResult[]>;

  /** Newest first. */
  versions(node: string, context: Context): Promise<VersionRecord[]>;

  /** All that a space remembers: every node with its kept versions and earlier places, removed ones included. */
  past(space: string, context: Context): AsyncIterable<NodePast>;

  /** Makes an older version the newest one again. */
  restoreVersion(node: string, version: string, context: Context): Promise<NodeRecord>;

  trash(context: Context): AsyncIterable<TrashRecord>;

  /** Back to where it was, or beside it with a number where the name is taken; a missing folder above is made again. */
  restoreTrash(node: string, context: Context): Promise<NodeRecord>;

  purgeTrash(node: string, password: string | undefined, context: Context): Promise<void>;

  /** Removes from Archive, which takes the account's password. */
  removeArchived(node: string, password: string, context: Context): Promise<void>;

  usage(context: Context): Promise<Usage>;

  /**
   * The computer has slept, or the network is another one: old connections may be dead without anybody having said so.
   * They are given up; calls under way are tried again on new ones, a push ends.
   */
  renew(): void;

  close(): Promise<void>;
}

/** A record that no gateway can show, with what of it makes sense; the records around it are in order. */
export interface BadRecord {
  /** What is wrong with it, in words. */
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
  /** Which block of the version, from 0. */
  readonly index: number;
  /** Bytes that it has, if the caller knows. */
  readonly length?: number;
  /**
   * Called when the block is about to come: where it may be written, once it has been verified. Called again if it is asked for
   * again.
   */
  readonly file?: (() => BlockFile | undefined) | undefined;
}

/** Memory of its own for so many bytes. */
export type BlockMemory = (length: number) => Uint8Array<ArrayBuffer>;

export interface ReadBlock extends BlockRequest {
  /** hex */
  readonly digest: string;
  readonly data: Uint8Array;
  /** True if the bytes are in the request's file, and `data` is empty. */
  readonly isWritten?: boolean | undefined;
}
