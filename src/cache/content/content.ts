import type { BlockFile } from '../../vfs/block.ts';
import type { DigestList } from '../../vfs/digest-list.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type { Extent } from '../../vfs/extent.ts';
import type { Borrowed } from '../disk/file-pool.ts';
import type { Op } from '../db/group-writer.ts';

/**
 * Immutable content that the cloud has. Equal hashes are equal bytes, so renames, copies and duplicates share one entry
 * of the store.
 */
export interface Content {
  /** SHA-256 of the concatenated raw digests of its blocks, hex. */
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
  /** A version of the cloud that has this content: where its blocks can be fetched. */
  readonly version: string;
}

/** The blocks of a content. */
export interface Manifest {
  readonly hash: string;
  readonly size: number;
  readonly digests: DigestList;
}

/** Where the store gets what it lacks; the gateway gives it the cloud. Both throw `FsError` as `Remote` does. */
export interface BlockSource {
  /** The digests of a version's blocks, as `DigestList.toBytes` writes them. */
  manifest(version: string, context: Context): Promise<Uint8Array>;
  /** In the order asked for. The bytes are the caller's, memory included; that comes from `memory`, if it is given. */
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
    /** SHA-256 of `data`, hex; the source has made sure of that. Whether it is the right one the store checks. */
    readonly digest: string;
    readonly data: Uint8Array;
    /** True if the bytes are in the request's file, and `data` is empty. */
    readonly isWritten?: boolean | undefined;
  }>;
}

/** Bytes at positions; short only at the end. */
export interface Readable {
  readonly size: number;
  read(into: Uint8Array, position: number, context: Context): Awaitable<number>;
  /** The first stretch of data at a position or behind it, which may end before the data does; `undefined` if there is none. */
  data(position: number, context: Context): Promise<Extent | undefined>;
}

/** A reader of one content, with a read-ahead window of its own. The content is not evicted while one is open. */
export interface ContentReader extends Readable {
  readonly content: Content;
  /** True when every block is on this disk. */
  readonly complete: boolean;
  /** Its file, to be read by others, if every block is in it and has been found to be right. To be released. */
  lend(): Borrowed | undefined;
  close(): void;
}

/**
 * Cached content: a sparse file per content hash and a bitmap of the blocks that are present, in LevelDB. Least recently
 * used content is evicted beyond the limits; never what is open or pinned.
 */
export interface ContentStore {
  /** Answers at once; blocks are fetched when read. */
  open(content: Content): ContentReader;
  /** Whether every block of it is on this disk. */
  has(hash: string): boolean;
  /** Bytes that a content takes as far as is known: its size but for the holes that are here. */
  allocated(hash: string, size: number): number;
  /** Those of the blocks with these digests (hex) that are on this disk and right, each once. */
  held(digests: ReadonlySet<string>, context: Context): AsyncIterable<{ digest: string; data: Uint8Array }>;
  /** Starts to fetch the content of small files that will probably be read next, in few requests. Never throws. */
  prefetch(contents: readonly Content[]): void;
  /** Forgets the content as soon as nobody has it open (`archive` drops its own after sealing). */
  drop(hash: string): Promise<void>;
  /** More than one file has the content now. */
  share(hash: string): void;
  /** A file that had the content has another one: unless others are known to have it, it is the first that is evicted. */
  supersede(hash: string): void;
  pin(hash: string): void;
  unpin(hash: string): void;
  isPinned(hash: string): boolean;
  usage(): { readonly bytes: number; readonly limit: number; readonly entries: number };
}

/**
 * A file being written, or waiting for its upload. Copy on write: blocks never written come from `base`. Its state
 * survives the death of the process. Reads and writes may overlap; each is atomic against the others.
 */
export interface StagedFile extends Readable {
  readonly id: string;
  readonly base: Content | null;
  readonly isSealed: boolean;
  /** @throws ENOSPC before anything is lost: room is reserved first */
  write(data: Uint8Array, position: number, context: Context): Awaitable<void>;
  append(data: Uint8Array, context: Context): Awaitable<void>;
  truncate(size: number, context: Context): Awaitable<void>;
  /** `fdatasync`; when answered, content and bookkeeping survive the loss of power. */
  sync(): Promise<void>;
  /**
   * Its file, to be read by others and with `write` to be written by them, whatever this object knows; `size` follows.
   * Nothing if some of the bytes are elsewhere; or, with `write`, if it is sealed or the disk has not plenty of room. To be
   * released.
   */
  lend(write: boolean): Borrowed | undefined;
  /** Others have written into it. */
  touched(): void;
  /** No write follows. Sealing twice is harmless; writing afterwards throws `EBADF`. */
  seal(): void;
  /**
   * The manifest of the whole, hashed off the event loop and remembered; blocks that are still `base`'s are not read.
   * Only of a sealed file.
   */
  manifest(context: Context): Promise<Manifest>;
  /** The bytes of one block, for its upload; of a sealed file. */
  block(index: number, context: Context): Promise<Uint8Array>;
  /** Whether the block was written here (else it is `base`'s, which the cloud has). */
  isOwn(index: number): boolean;
  /**
   * Says that nobody here uses the object any more: its descriptor is given back. The file itself stays until `discard`
   * or `adopt`; one that has been discarded cannot be read afterwards. Idempotent.
   */
  close(): void;
}

/** The folder of staged files. */
export interface Staging {
  /** A new empty file, or a copy on write of `base`. */
  create(base: Content | null): StagedFile;
  /** A new file whose content starts as that of a sealed one, which may be in the middle of its upload. */
  fork(sealed: StagedFile): Promise<StagedFile>;
  /** A new unsealed file with the bytes that another one, all of whose bytes are its own, has at the moment. */
  copy(file: StagedFile): Promise<StagedFile>;
  /** Takes a content that is here as a whole out of the store, to be changed in place; nothing if it is used or pinned. */
  seize(content: Content): StagedFile | undefined;
  /** One that an earlier process left. @throws ENOENT */
  open(id: string): Promise<StagedFile>;
  /** All that are on disk. */
  ids(): Promise<string[]>;
  /** When a file that is not open was last written, ms since 1970; `undefined` if it is lost. */
  modified(id: string): Promise<number | undefined>;
  /** Removes the file; open handles go on until they are released. */
  discard(id: string): Promise<void>;
  /**
   * Turns a sealed file, which the cloud has now, into store content under its hash, without copying. `ops` (intent gone,
   * catalog at the new revision) are written in the same batch. From then on the file is gone from `ids()`; reads of the
   * object go on and come from the store. Its blocks are evicted like any others.
   */
  adopt(file: StagedFile, content: Content, ops: readonly Op[]): Promise<void>;
  /** Brings everything staged to the disk. @throws EIO, ENOSPC */
  sync(): Promise<void>;
  /** Bytes of everything staged. */
  usage(): number;
  /** Bytes that a file takes on the disk, with all of its base; `undefined` if it is lost. */
  allocated(id: string, size: number): number | undefined;
}
