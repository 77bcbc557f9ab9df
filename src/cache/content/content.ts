import type { BlockFile } from '../../vfs/block.ts';
import type { DigestList } from '../../vfs/digest-list.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type { Extent } from '../../vfs/extent.ts';
import type { Borrowed } from '../disk/file-pool.ts';
import type { Op } from '../db/group-writer.ts';

/**
 * Immutable content that is in the cloud. Equal hashes mean equal bytes, so renames, copies and duplicates share an
 * entry of the store.
 */
export interface Content {
  /** SHA-256 of the concatenated raw digests of its blocks, hex. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
  /** A version in the cloud with this content, from which its blocks can be fetched. */
  readonly version: string;
}

/** The blocks of a content. */
export interface Manifest {
  readonly hash: string;
  readonly size: number;
  readonly digests: DigestList;
}

/**
 * Where the store fetches missing blocks; in the gateway this is the cloud. Both methods throw `FsError` as `Remote`
 * does.
 */
export interface BlockSource {
  /** The digests of a version's blocks, as `DigestList.toBytes` writes them. */
  manifest(version: string, context: Context): Promise<Uint8Array>;
  /**
   * Yields blocks in the requested order. The caller owns the bytes and their memory, which is allocated by `memory`,
   * if given.
   */
  blocks(
    requests: readonly {
      readonly version: string;
      readonly index: number;
      readonly length: number;
      /** Called, once for each try, when the block is about to come: where it may be written. */
      readonly file?: (() => BlockFile | undefined) | undefined;
    }[],
    context: Context,
    memory?: (length: number) => Uint8Array<ArrayBuffer>,
  ): AsyncIterable<{
    readonly version: string;
    readonly index: number;
    /** SHA-256 of `data`, hex, computed by the source. The store checks that it is the expected one. */
    readonly digest: string;
    readonly data: Uint8Array;
    /** True if the bytes are in the request's file, and `data` is empty. */
    readonly isWritten?: boolean | undefined;
  }>;
}

/** Random access to bytes. A read is short only at the end. */
export interface Readable {
  readonly size: number;
  read(into: Uint8Array, position: number, context: Context): Awaitable<number>;
  /** The first stretch of data at a position or behind it, which may end before the data does; `undefined` if there is none. */
  data(position: number, context: Context): Promise<Extent | undefined>;
}

/** A reader of a content, with its own read-ahead window. The content is not evicted while a reader is open. */
export interface ContentReader extends Readable {
  readonly content: Content;
  /** True if every block is on the local disk. */
  readonly complete: boolean;
  /** The file, to be read by the kernel, if every block is in it and verified. The caller must release it. */
  openBacking(): Borrowed | undefined;
  close(): void;
}

/**
 * Cached content: a sparse file per content hash, and a bitmap of the present blocks in LevelDB. Beyond the limits the
 * least recently used content is evicted, but never content that is open or pinned.
 */
export interface ContentStore {
  /** Returns at once; blocks are fetched when they are read. */
  open(content: Content): ContentReader;
  /** Whether every block of the content is on the local disk. */
  has(hash: string): boolean;
  /** Bytes that a content takes as far as is known: its size but for the holes that are here. */
  allocated(hash: string, size: number): number;
  /** The digests of a content, from the disk or the source. @throws what the source throws; EINTR when aborted */
  manifest(content: Content, context: Context): Promise<DigestList>;
  /** Those of the blocks with these digests (hex) that are on this disk and right, each once. */
  held(digests: ReadonlySet<string>, context: Context): AsyncIterable<{ digest: string; data: Uint8Array }>;
  /** Starts to fetch the content of small files that will probably be read next, in few requests. Never throws. */
  prefetch(contents: readonly Content[]): void;
  /**
   * Fetches all of a content that is not on the disk, after what readers have asked for. False if the disk has no room for it.
   * @throws what the source throws; EINTR when aborted
   */
  fetch(content: Content, context: Context): Promise<boolean>;
  /** Bytes of the content that are on the local disk, holes included. */
  cachedBytes(hash: string): number;
  /**
   * Never evicts the content from now on, also after a restart, as the user wants to have it here. Rounds are ascending numbers above 0.
   * Returns false if the round has had it before.
   */
  keep(hash: string, round: number): boolean;
  /** Ends that for all contents for which it was not called with this round or a later one. */
  keepOnly(round: number): void;
  /** Whether so many bytes could be kept besides what is pinned, kept and open. */
  fits(bytes: number): boolean;
  /** Removes the content from the disk unless it is open, pinned or kept. Resolves to the bytes that it took, 0 if it stays. */
  free(hash: string): Promise<number>;
  /** Removes the content once it is not open. (Archive files are dropped after sealing.) */
  drop(hash: string): Promise<void>;
  /** Records that more than one file has the content. */
  share(hash: string): void;
  /** Records that a file no longer has the content. Unless other files are known to have it, it is evicted first. */
  supersede(hash: string): void;
  pin(hash: string): void;
  unpin(hash: string): void;
  /** True if it is pinned or kept. */
  isPinned(hash: string): boolean;
  usage(): { readonly bytes: number; readonly limit: number; readonly entries: number };
}

/**
 * A file that is being written or waiting for its upload. It is copy on write: blocks that were not written come from
 * `base`. Its state survives a crash of the process. Reads and writes may overlap; each is atomic with respect to the
 * others.
 */
export interface StagedFile extends Readable {
  readonly id: string;
  readonly base: Content | null;
  readonly isSealed: boolean;
  /** @throws ENOSPC before anything is changed, as space is reserved first */
  write(data: Uint8Array, position: number, context: Context): Awaitable<void>;
  append(data: Uint8Array, context: Context): Awaitable<void>;
  truncate(size: number, context: Context): Awaitable<void>;
  /** Like `fdatasync`: once it resolves, content and records survive a power loss. */
  sync(): Promise<void>;
  /**
   * The file, to be read, and with `write` also to be written, by the kernel without the knowledge of this object;
   * `size` is then taken from the file. `undefined` if some of the bytes are elsewhere, or, with `write`, if it is
   * sealed or the disk does not have ample space. The caller must release it.
   */
  openBacking(write: boolean): Borrowed | undefined;
  /** Records that the kernel has written to the file. */
  touched(): void;
  /** Ends writing; later writes throw `EBADF`. Idempotent. */
  seal(): void;
  /**
   * The manifest of the file, which must be sealed. It is hashed off the event loop and then kept; blocks that are
   * still those of `base` are not read.
   */
  manifest(context: Context): Promise<Manifest>;
  /** The bytes of a block, for its upload. The file must be sealed. */
  block(index: number, context: Context): Promise<Uint8Array>;
  /** Whether the block was written here; otherwise it is that of `base`, which the cloud has. */
  isOwn(index: number): boolean;
  /**
   * Releases the descriptor, when the object is no longer used. The file itself stays until `discard` or `adopt`; a
   * discarded one cannot be read afterwards. Idempotent.
   */
  close(): void;
}

/** The folder of staged files. */
export interface Staging {
  /** Creates an empty file, or one that is copy on write over `base`. */
  create(base: Content | null): StagedFile;
  /** Creates a file that starts with the content of a sealed one, which may be in the middle of its upload. */
  fork(sealed: StagedFile): Promise<StagedFile>;
  /** Creates an unsealed file with the present bytes of another one, which must contain all of its bytes itself. */
  copy(file: StagedFile): Promise<StagedFile>;
  /** Takes a complete content out of the store, to change it in place; `undefined` if it is in use or pinned. */
  seize(content: Content): StagedFile | undefined;
  /** Opens a file that an earlier process has left. @throws ENOENT */
  open(id: string): Promise<StagedFile>;
  /** The ids of all staged files on the disk. */
  ids(): Promise<string[]>;
  /** When a file that is not open was last written, ms since 1970; `undefined` if it is lost. */
  modified(id: string): Promise<number | undefined>;
  /** Removes the file; open handles go on until they are released. */
  discard(id: string): Promise<void>;
  /**
   * Turns a sealed file that is now in the cloud into content of the store, without copying. `ops` (the intent removed,
   * the catalog at the new revision) are written in the same batch. The file is then no longer in `ids()`; the object
   * stays readable, from the store. Its blocks can be evicted like any others.
   */
  adopt(file: StagedFile, content: Content, ops: readonly Op[]): Promise<void>;
  /** Syncs all staged files to the disk. @throws EIO, ENOSPC */
  sync(): Promise<void>;
  /** Bytes of all staged files. */
  usage(): number;
  /** Bytes that a file takes on the disk, with all of its base; `undefined` if it is lost. */
  allocated(id: string, size: number): number | undefined;
}
