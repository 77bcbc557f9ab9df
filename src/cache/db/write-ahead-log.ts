import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { orCut, writeFully } from '../disk/file-io.ts';
import type { Op } from './group-writer.ts';

/** Size in bytes after which a new segment is started. */
const SEGMENT = 4 << 20;
/** Length and CRC-32 of the payload, both little-endian. */
const HEADER = 8;

interface Segment {
  readonly path: string;
  /** Position of its last frame. */
  last: number;
}

interface Frame {
  readonly place: number;
  readonly ops: readonly Op[];
}

/**
 * The log of changes that are acknowledged before they are in the database. Each change is one frame, appended by one
 * system call without a sync, so it survives a crash of the process. Frames have positions, counted from 1 without
 * gaps. The database records the position up to which it contains everything, in the same batch as the changes.
 *
 * A segment is a file named by the position of its first frame. It is removed when the database contains its last
 * frame.
 */
export class WriteAheadLog {
  readonly #dir: string;
  readonly #segments: Segment[] = [];
  #fd: number | undefined;
  #size = 0;
  #last: number;

  /** Continues after position `last`. The folder has no segments. */
  private constructor(dir: string, last: number) {
    this.#dir = dir;
    this.#last = last;
  }

  /**
   * Opens the log, and passes the frames after `place`, which an earlier process has left and the database lacks, to
   * `apply`: segment by segment, each with the position that the database then has. Stops at a torn or missing frame,
   * as a power loss can leave one.
   */
  static async open(
    dir: string,
    place: number,
    apply: (ops: readonly Op[], place: number) => Promise<void>,
  ): Promise<WriteAheadLog> {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const names = readdirSync(dir).sort();
    for (const name of names) {
      const ops: Op[] = [];
      let last = place;
      for (const frame of framesOf(readFileSync(join(dir, name)))) {
        if (frame.place <= last) continue;
        if (frame.place > last + 1) break;
        for (const op of frame.ops) ops.push(op);
        last = frame.place;
      }
      if (last > place) await apply(ops, last);
      place = last;
    }
    for (const name of names) rmSync(join(dir, name));
    return new WriteAheadLog(dir, place);
  }

  /** Appends a frame and returns its position. A failed call leaves the log unchanged. @throws the system's error */
  append(ops: readonly Op[]): number {
    const place = this.#last + 1;
    const frame = frameOf({ place, ops });
    if (this.#fd === undefined || this.#size > SEGMENT) this.#begin(place);
    const [fd, size] = [this.#fd as number, this.#size];
    orCut(fd, size, () => writeFully(fd, frame, size));
    this.#size += frame.length;
    this.#last = place;
    (this.#segments.at(-1) as Segment).last = place;
    return place;
  }

  /**
   * Removes segments that the database contains, up to `place`. The current segment stays, as creating files costs more
   * than appending frames.
   */
  applied(place: number): void {
    while (this.#segments.length > 1 && (this.#segments[0] as Segment).last <= place) this.#removeFirst();
    if (this.#size > SEGMENT && this.#last <= place) this.#removeFirst();
  }

  /** Closes the log. Frames after `place`, which the database lacks, are kept for the next process. Idempotent. */
  close(place: number): void {
    while (this.#segments.length > 0 && (this.#segments[0] as Segment).last <= place) this.#removeFirst();
    this.#end();
  }

  #begin(place: number): void {
    const path = join(this.#dir, String(place).padStart(16, '0'));
    const fd = openSync(path, 'w', 0o600);
    this.#end();
    this.#fd = fd;
    this.#segments.push({ path, last: place - 1 });
  }

  #removeFirst(): void {
    const { path } = this.#segments.shift() as Segment;
    if (this.#segments.length === 0) this.#end();
    rmSync(path, { force: true });
  }

  #end(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#size = 0;
  }
}

function frameOf(frame: Frame): Buffer {
  const payload = Buffer.from(JSON.stringify(frame));
  const whole = Buffer.allocUnsafe(HEADER + payload.length);
  whole.writeUInt32LE(payload.length, 0);
  whole.writeUInt32LE(crc32(payload), 4);
  whole.set(payload, HEADER);
  return whole;
}

/** Yields the complete frames of a segment, up to the first torn one. */
function* framesOf(segment: Buffer): Generator<Frame> {
  for (let at = 0; at + HEADER <= segment.length;) {
    const length = segment.readUInt32LE(at);
    const end = at + HEADER + length;
    const payload = segment.subarray(at + HEADER, end);
    if (length === 0 || end > segment.length || crc32(payload) !== segment.readUInt32LE(at + 4)) return;
    yield JSON.parse(payload.toString()) as Frame;
    at = end;
  }
}
