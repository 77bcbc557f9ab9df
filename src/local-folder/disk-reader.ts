import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { Describer, signatureOf } from '../backup/describer.ts';
import { BLOCK_SIZE } from '../vfs/block.ts';
import type { LocalMark } from './known.ts';
import { failure, statOf, type SafeTree } from './safe-tree.ts';

const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
/** A file that was changed within so many ms may be changed again without a sign of it: kernels count time in ticks. */
const TICK = 30;

/** A part of a file's content, at most one block. */
export interface Chunk {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Present with the last one, which is empty. */
  readonly end?: ContentEnd;
}

export interface ContentEnd {
  /** See `contentHash`. */
  readonly hash: string;
  readonly size: number;
  /** The state that the content belongs to; undefined if the file was written while it was read. */
  readonly mark: LocalMark | undefined;
}

interface OpenFile {
  readonly fd: number;
  readonly stats: BigIntStats;
  readonly hash: Hash;
  at: number;
}

/** Reads files of a synced folder, block by block. */
export class DiskReader {
  readonly #tree: SafeTree;
  readonly #describer: Describer;
  readonly #open = new Map<number, OpenFile>();
  #last = 0;

  constructor(folder: string, tree: SafeTree) {
    this.#tree = tree;
    this.#describer = new Describer(folder);
  }

  /** What is there; null if nothing is. @throws errors of node:fs */
  look(path: string): LocalMark | null {
    return this.#tree.at(path, (folder, name) => {
      const stats = statOf(folder, name);
      return stats ? markOf(this.#describer, stats) : null;
    });
  }

  /** @returns a token for `read` @throws ESTALE if it is no file; errors of node:fs */
  open(path: string): number {
    const fd = this.#tree.at(path, (folder, name) => openSync(folder.at(name), FLAGS));
    const stats = fstatSync(fd, { bigint: true });
    if (!stats.isFile()) {
      closeSync(fd);
      throw failure('ESTALE', path);
    }
    this.#last += 1;
    this.#open.set(this.#last, { fd, stats, hash: createHash('sha256'), at: 0 });
    return this.#last;
  }

  /** The next part; after the last one the token is void. */
  read(token: number): Chunk {
    const file = this.#open.get(token);
    if (!file) throw failure('EBADF', String(token));
    // What is appended meanwhile is read another time.
    const data = new Uint8Array(Math.min(BLOCK_SIZE, Number(file.stats.size) - file.at));
    let filled = 0;
    for (let count = -1; count !== 0 && filled < data.length; filled += count) {
      count = readSync(file.fd, data, filled, data.length - filled, file.at + filled);
    }
    if (filled === 0) return { data: new Uint8Array(0), end: this.#end(token, file) };
    file.at += filled;
    const block = filled === data.length ? data : data.slice(0, filled);
    file.hash.update(createHash('sha256').update(block).digest());
    return { data: block };
  }

  close(token: number): undefined {
    const file = this.#open.get(token);
    this.#open.delete(token);
    if (file) closeSync(file.fd);
    return undefined;
  }

  #end(token: number, { fd, stats, hash, at }: OpenFile): ContentEnd {
    const now = fstatSync(fd, { bigint: true });
    this.close(token);
    const isWhole = at === Number(stats.size) && signatureOf(now) === signatureOf(stats);
    const mark = markOf(this.#describer, stats);
    const isFresh = Date.now() - Number(stats.ctimeNs / 1_000_000n) < TICK;
    const known = isFresh ? { ...mark, signature: '' } : mark;
    return { hash: hash.digest('hex'), size: at, mark: isWhole ? known : undefined };
  }
}

export function markOf(describer: Describer, stats: BigIntStats): LocalMark {
  const { signature, inode, mode, mtime } = describer.attributes(stats);
  return { signature, inode, mode, mtime };
}
