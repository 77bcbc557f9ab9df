import { createHash } from 'node:crypto';
import { BLOCK_SIZE, digestOf } from '../vfs/block.ts';
import type { Context } from '../vfs/context.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { Attr } from '../vfs/node.ts';

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

  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const { id, size } = this.#attr;
    const context = this.#context;
    const handle = await this.#fs.open(id, { read: true, write: false }, context);
    try {
      for (let at = 0; at < size;) {
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
