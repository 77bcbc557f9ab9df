import { createHash } from 'node:crypto';
import { BLOCK_SIZE, digestOf } from '../vfs/block.ts';
import type { Context } from '../vfs/context.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { DigestList } from '../vfs/digest-list.ts';
import type { Attr } from '../vfs/node.ts';

/** Where blocks may be had without the drive. */
export interface Nearby {
  /** Of the content that is wanted. */
  readonly digests: DigestList;
  /** Of another content, in order. */
  readonly blocks: AsyncGenerator<Uint8Array>;
}

/** The content of a file of the drive, block by block. @throws ESTALE at its end if the file was changed meanwhile */
export class DriveContent {
  readonly #fs: FileSystem;
  readonly #attr: Attr;
  readonly #context: Context;
  readonly #hash = createHash('sha256');

  constructor(fs: FileSystem, attr: Attr, context: Context) {
    this.#fs = fs;
    this.#attr = attr;
    this.#context = context;
  }

  /** @param nearby blocks that are the same at their place are taken from there */
  async *chunks(nearby?: Nearby): AsyncGenerator<Uint8Array> {
    const { id, size } = this.#attr;
    const context = this.#context;
    const handle = await this.#fs.open(id, { read: true, write: false }, context);
    try {
      for (let at = 0; at < size;) {
        const near = nearby && (await nearBlock(nearby, at / BLOCK_SIZE));
        if (near) {
          this.#hash.update(near.digest);
          at += near.data.length;
          yield near.data;
          continue;
        }
        const data = new Uint8Array(Math.min(BLOCK_SIZE, size - at));
        const count = await handle.read(data, at, context);
        if (count < data.length) throw this.#changed();
        this.#hash.update(await digestOf(data));
        at += count;
        yield data;
      }
      const now = await handle.attr(context);
      if (now.version !== this.#attr.version || now.size !== size) throw this.#changed();
    } finally {
      await nearby?.blocks.return(undefined);
      await handle.close();
    }
  }

  async whole(): Promise<Uint8Array<ArrayBuffer>> {
    const all = new Uint8Array(this.#attr.size);
    let at = 0;
    for await (const data of this.chunks()) {
      all.set(data, at);
      at += data.length;
    }
    return all;
  }

  /** See `contentHash`; once all has been read. */
  hash(): string {
    return this.#hash.digest('hex');
  }

  #changed(): FsError {
    return new FsError('ESTALE', 'read', { subject: this.#attr.name, reason: 'it was changed while it was read' });
  }
}

/** The next block there, if it is the one that is wanted at this index. */
async function nearBlock({ digests, blocks }: Nearby, index: number) {
  const { value: data, done } = await blocks.next();
  if (done === true || index >= digests.count) return undefined;
  const digest = await digestOf(data);
  return Buffer.compare(digest, digests.at(index)) === 0 ? { data, digest } : undefined;
}
