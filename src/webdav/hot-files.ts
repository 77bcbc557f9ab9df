import { LRUCache } from 'lru-cache';
import type { Attr, NodeId } from '../vfs/node.ts';

/** Bytes of content kept, and of one file at most. */
const MEMORY = 32 * 1024 * 1024;
const LARGEST = 64 * 1024;
/** Bytes that a file is counted with beside its content. */
const OVERHEAD = 500;

interface HotFile {
  readonly version: string;
  readonly bytes: Uint8Array;
}

/**
 * The contents of small files that were read lately. A version of a node is always the same bytes, so they are right as
 * long as the drive says that it is this version; whether they may be read the drive must be asked, too.
 */
export class HotFiles {
  readonly #files = new LRUCache<NodeId, HotFile>({
    maxSize: MEMORY,
    sizeCalculation: ({ bytes }) => bytes.length + OVERHEAD,
  });

  get({ id, version }: Attr): Uint8Array | undefined {
    const file = this.#files.get(id);
    return file?.version === version ? file.bytes : undefined;
  }

  /** Takes the bytes over: nobody may write to them. */
  put({ id, version, size }: Attr, bytes: Uint8Array): void {
    if (bytes.length === size && size <= LARGEST) this.#files.set(id, { version, bytes });
  }
}
