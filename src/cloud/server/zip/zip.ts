import { crc32 } from 'node:zlib';
import { centralRecord, dataDescriptor, endOfDirectory, localHeader, type EntryInfo } from './records.ts';

export interface Entry extends EntryInfo {
  /** Its bytes, exactly `size`; none of a folder. */
  content(): AsyncIterable<Uint8Array>;
}

/** Bytes of the central directory that are kept and sent together. */
const PAGE = 64 * 1024;

/**
 * A ZIP archive of the entries, which are stored as they are, in the order in which they come. Keeps about a hundred bytes of each entry
 * for the directory at the end. A failure of an entry is one of the archive, which has no directory then: no program takes it for
 * a whole one.
 * @throws what the entries throw; Error if a content has another size than its entry says
 */
export async function* zip(entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  const directory = new Directory();
  let at = 0;
  // What follows a content is sent with what precedes the next one.
  let between: Buffer = Buffer.alloc(0);
  for await (const entry of entries) {
    const start = at;
    const header = localHeader(entry);
    yield Buffer.concat([between, header]);
    let crc = 0;
    let size = 0;
    for await (const part of entry.content()) {
      crc = crc32(part, crc);
      size += part.length;
      yield part;
    }
    if (size !== entry.size) throw new Error(`${entry.path} has ${size} bytes instead of ${entry.size}`);
    between = dataDescriptor(size, crc);
    at += header.length + size + between.length;
    directory.add(centralRecord(entry, crc, start));
  }
  yield between;
  yield* directory.pages();
  yield endOfDirectory(directory.count, at, directory.length);
}

/** Records in few large pieces of memory, as an object for each of a million would take several times its bytes. */
class Directory {
  count = 0;
  length = 0;
  readonly #full: Buffer[] = [];
  #page = Buffer.allocUnsafe(PAGE);
  #used = 0;

  add(record: Buffer): void {
    this.count += 1;
    this.length += record.length;
    for (let from = 0; from < record.length;) {
      const copied = record.copy(this.#page, this.#used, from);
      from += copied;
      this.#used += copied;
      if (this.#used < PAGE) continue;
      this.#full.push(this.#page);
      this.#page = Buffer.allocUnsafe(PAGE);
      this.#used = 0;
    }
  }

  *pages(): Generator<Buffer> {
    yield* this.#full;
    yield this.#page.subarray(0, this.#used);
  }
}
