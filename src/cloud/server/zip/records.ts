import type { NodeRecord } from '../../records.ts';

/** What is in a ZIP archive besides the bytes of its files (PKWARE APPNOTE 6.3.10; section numbers are of that). */

/** One entry, as its headers describe it. */
export interface EntryInfo {
  /** With `/` between its parts; of a folder also at its end. */
  readonly path: string;
  readonly kind: NodeRecord['kind'];
  /** Permissions, nine bits. */
  readonly mode: number;
  /** ms since 1970 UTC */
  readonly mtime: number;
  /** Bytes of its content. */
  readonly size: number;
}

/** Needed to extract: 4.5, for Zip64. */
const VERSION = 45;
/** Made on Unix, so that the upper half of the external attributes is `st_mode`. */
const MADE_BY = (3 << 8) | VERSION;
/** Checksum and sizes follow the content; the name is UTF-8 (4.4.4). */
const FLAGS = 0x0808;
const MAX16 = 0xff_ff;
const MAX32 = 0xff_ff_ff_ff;
const TYPES: Readonly<Record<NodeRecord['kind'], number>> = { folder: 0o040_000, file: 0o100_000, symlink: 0o120_000 };
/** The attribute that MS-DOS gives to folders. */
const DOS_FOLDER = 0x10;

/** 4.3.7 @throws RangeError if the path is longer than a header can say */
export function localHeader(entry: EntryInfo): Buffer {
  const name = nameOf(entry);
  // Sizes of zero: what matters is the field itself, which makes those of the data descriptor 64 bits wide (4.3.9.2).
  const zip64 = isLarge(entry.size) ? [extraField(1, [u64(0), u64(0)])] : [];
  const extra = Buffer.concat([...zip64, timestamp(entry)]);
  const head = [u32(0x04_03_4b_50), u16(VERSION), u16(FLAGS), u16(0), dosTime(entry.mtime), u32(0)];
  const sizes = isLarge(entry.size) ? [u32(MAX32), u32(MAX32)] : [u32(0), u32(0)];
  return Buffer.concat([...head, ...sizes, u16(name.length), u16(extra.length), name, extra]);
}

/** 4.3.9 */
export function dataDescriptor(size: number, crc: number): Buffer {
  const width = isLarge(size) ? u64 : u32;
  return Buffer.concat([u32(0x08_07_4b_50), u32(crc), width(size), width(size)]);
}

/** 4.3.12 @param offset of the local header in the archive */
export function centralRecord(entry: EntryInfo, crc: number, offset: number): Buffer {
  const { size, kind, mode } = entry;
  const name = nameOf(entry);
  const wide = [...(isLarge(size) ? [u64(size), u64(size)] : []), ...(isLarge(offset) ? [u64(offset)] : [])];
  const extra = Buffer.concat([...(wide.length > 0 ? [extraField(1, wide)] : []), timestamp(entry)]);
  const attributes = (TYPES[kind] | (mode & 0o777)) * 2 ** 16 + (kind === 'folder' ? DOS_FOLDER : 0);
  const head = [u32(0x02_01_4b_50), u16(MADE_BY), u16(VERSION), u16(FLAGS), u16(0), dosTime(entry.mtime), u32(crc)];
  // No comment, disk 0, no internal attributes.
  const lengths = [narrow(size), narrow(size), u16(name.length), u16(extra.length), u16(0), u16(0), u16(0)];
  return Buffer.concat([...head, ...lengths, u32(attributes), narrow(offset), name, extra]);
}

/** 4.3.14 to 4.3.16 @param start where the central directory begins, which has `length` bytes */
export function endOfDirectory(count: number, start: number, length: number): Buffer {
  const record = [u64(44), u16(MADE_BY), u16(VERSION), u32(0), u32(0), u64(count), u64(count), u64(length), u64(start)];
  const locator = [u32(0x07_06_4b_50), u32(0), u64(start + length), u32(1)];
  const zip64 = count >= MAX16 || isLarge(start) || isLarge(length);
  const entries = u16(Math.min(count, MAX16));
  const end = [u32(0x06_05_4b_50), u16(0), u16(0), entries, entries, narrow(length), narrow(start), u16(0)];
  return Buffer.concat([...(zip64 ? [u32(0x06_06_4b_50), ...record, ...locator] : []), ...end]);
}

function nameOf({ path }: EntryInfo): Buffer {
  const name = Buffer.from(path);
  if (name.length > MAX16) throw new RangeError(`a path of ${name.length} bytes does not fit into a ZIP archive`);
  return name;
}

function isLarge(value: number): boolean {
  return value >= MAX32;
}

/** A value that a Zip64 field has if it is too large. */
function narrow(value: number): Buffer {
  return u32(Math.min(value, MAX32));
}

/** Seconds since 1970 UTC, as Info-ZIP writes them (4.6.1, 0x5455); the other form of time has no time zone. */
function timestamp({ mtime }: EntryInfo): Buffer {
  const seconds = Math.floor(mtime / 1000);
  if (seconds < -(2 ** 31) || seconds >= 2 ** 31) return Buffer.alloc(0);
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(1);
  bytes.writeInt32LE(seconds, 1);
  return extraField(0x54_55, [bytes]);
}

/** Time and date of MS-DOS (4.4.6), here in UTC, from 1980 to 2107. */
function dosTime(mtime: number): Buffer {
  const [first, last] = [Date.UTC(1980, 0, 1), Date.UTC(2107, 11, 31, 23, 59, 58)];
  const at = new Date(Math.min(Math.max(mtime, first), last));
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  return Buffer.concat([u16(time), u16(date)]);
}

function extraField(id: number, values: readonly Buffer[]): Buffer {
  const data = Buffer.concat(values);
  return Buffer.concat([u16(id), u16(data.length), data]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
