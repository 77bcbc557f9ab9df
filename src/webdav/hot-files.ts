import { LRUCache } from 'lru-cache';
import type { Attr, NodeId } from '../vfs/node.ts';

/** Most bytes kept in all, and of one file. */
const MEMORY = 32 * 1024 * 1024;
const LARGEST = 64 * 1024;
/** Bytes counted for each file in addition to its content. */
const OVERHEAD = 500;

interface HotFile {
  readonly version: string;
  readonly bytes: Uint8Array;
}

/**
 * The contents of recently read small files. A version of a node always has the same bytes, so they are valid as long
 * as the drive reports that version. The caller must still ask the drive whether the file may be read.
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

  /** Keeps the bytes, which must not be modified afterwards. */
  put({ id, version, size }: Attr, bytes: Uint8Array): void {
    if (bytes.length === size && size <= LARGEST) this.#files.set(id, { version, bytes });
  }
}
