import type { BigIntStats } from 'node:fs';
import type { FileHandle as NodeHandle } from 'node:fs/promises';
import type { FileHandle, OpenMode } from '../../src/vfs/file-system.ts';
import { FsError, asFsError } from '../../src/vfs/fs-error.ts';
import type { Attr, NodeId } from '../../src/vfs/node.ts';

/** An open file of the operating system as a handle of the port. */
export class HostHandle implements FileHandle {
  readonly node: NodeId;
  readonly #handle: NodeHandle;
  readonly #mode: OpenMode;
  readonly #attrOf: (stat: BigIntStats) => Attr;

  constructor(node: NodeId, handle: NodeHandle, mode: OpenMode, attrOf: (stat: BigIntStats) => Attr) {
    this.node = node;
    this.#handle = handle;
    this.#mode = mode;
    this.#attrOf = attrOf;
  }

  async attr(): Promise<Attr> {
    return await this.#run('fstat', async () => this.#attrOf(await this.#handle.stat({ bigint: true })));
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return await this.#run('read', async () => {
      let done = 0;
      while (done < into.length) {
        const { bytesRead } = await this.#handle.read(into, done, into.length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    });
  }

  async write(data: Uint8Array, position: number): Promise<void> {
    await this.#run('write', async () => {
      const { bytesWritten } = await this.#handle.write(data, 0, data.length, this.#mode.append ? null : position);
      if (bytesWritten !== data.length) throw new FsError('EIO', 'write', { reason: 'short write' });
    });
  }

  async truncate(size: number): Promise<void> {
    await this.#run('ftruncate', async () => {
      if (size < 0) throw new FsError('EINVAL', 'ftruncate');
      await this.#handle.truncate(size);
    });
  }

  async sync(): Promise<void> {
    await this.#run('fsync', () => this.#handle.sync());
  }

  async close(): Promise<void> {
    if (this.#handle.fd >= 0) await this.#run('close', () => this.#handle.close());
  }

  async #run<T>(op: string, run: () => Promise<T>): Promise<T> {
    if (this.#handle.fd < 0) throw new FsError('EBADF', op);
    try {
      return await run();
    } catch (error) {
      throw asFsError(error, op);
    }
  }
}
