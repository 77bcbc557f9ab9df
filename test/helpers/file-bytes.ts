import { closeSync, fstatSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { MemoryBytes } from './memory-bytes.ts';

const closed = new FinalizationRegistry<number>(closeSync);

/** Bytes in a file without a name, which can be a backing file for the kernel. */
export class FileBytes extends MemoryBytes {
  readonly fd: number;
  readonly #dir: string;
  #seen = '';

  constructor(dir: string) {
    super();
    const path = join(dir, randomUUID());
    this.#dir = dir;
    this.fd = openSync(path, 'wx+');
    unlinkSync(path);
    closed.register(this, this.fd);
    this.look();
  }

  override get size(): number {
    return fstatSync(this.fd).size;
  }

  override get allocated(): number {
    return fstatSync(this.fd).blocks * 512;
  }

  /** When the kernel has written, ms; `undefined` if it has not since the last check. */
  look(): number | undefined {
    const { mtimeNs, mtimeMs, size } = fstatSync(this.fd, { bigint: true });
    const seen = `${mtimeNs} ${size}`;
    if (seen === this.#seen) return undefined;
    this.#seen = seen;
    return Number(mtimeMs);
  }

  override read(into: Uint8Array, position: number): number {
    return readSync(this.fd, into, 0, into.length, position);
  }

  override write(data: Uint8Array, position: number): void {
    for (let done = 0; done < data.length;) {
      done += writeSync(this.fd, data, done, data.length - done, position + done);
    }
    this.look();
  }

  override resize(size: number): void {
    ftruncateSync(this.fd, size);
    this.look();
  }

  override clone(): MemoryBytes {
    const copy = new FileBytes(this.#dir);
    const part = Buffer.allocUnsafe(1 << 20);
    for (let at = 0, count; (count = this.read(part, at)) > 0; at += count) copy.write(part.subarray(0, count), at);
    copy.resize(this.size);
    return copy;
  }
}
