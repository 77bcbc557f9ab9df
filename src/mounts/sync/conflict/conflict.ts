import { NAME_MAX, splitExtension } from '../../../vfs/name.ts';

/** Ours, at the end of a stem: `report (conflict, laptop, 2026-03-01 12.00.00)`, perhaps with a number. */
const MARK = / \(conflict, [^()]*, \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d(?:, \d+)?\)$/;
/** Bytes of a device's name that a conflict name shows. */
const DEVICE_BYTES = 60;
/** Bytes of an extension beyond which it is taken for a part of the stem. */
const EXTENSION_BYTES = 60;

/**
 * The name for a file whose own name is taken by another: `name (conflict, <device>, <date> <time>).ext`, in local
 * time. A conflict of a conflict gets a new mark in place of the old one. The result has at most 255 bytes, cut between
 * characters, and a number if it is taken.
 */
export function conflictName(name: string, device: string, at: Date, isTaken: (name: string) => boolean): string {
  const [whole, extension] = split(name);
  const stem = whole.replace(MARK, '');
  for (let n = 1; ; n++) {
    const mark = ` (conflict, ${label(device)}, ${stamp(at)}${n === 1 ? '' : `, ${n}`})`;
    const rest = Buffer.byteLength(mark) + Buffer.byteLength(extension);
    const candidate = `${cut(stem, NAME_MAX - rest)}${mark}${extension}`;
    if (!isTaken(candidate)) return candidate;
  }
}

/** True for a name created by `conflictName`. */
export function isConflictName(name: string): boolean {
  return MARK.test(split(name)[0]);
}

function split(name: string): [stem: string, extension: string] {
  const [stem, extension] = splitExtension(name);
  // The mark's time has dots, too.
  const isExtension = !extension.includes(')') && Buffer.byteLength(extension) <= EXTENSION_BYTES;
  return isExtension ? [stem, extension] : [name, ''];
}

/** Removes what may not be in a name, or would end the mark. */
function label(device: string): string {
  return cut(device.replaceAll(/[\p{Cc}\p{Surrogate}/\\:*?"<>|()]/gu, ' ').trim(), DEVICE_BYTES) || 'device';
}

function stamp(at: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`;
}

/** At most `bytes` bytes of UTF-8, cut where no combining character follows. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let kept = '';
  let size = 0;
  for (const { segment } of new Intl.Segmenter('und', { granularity: 'grapheme' }).segment(text)) {
    size += Buffer.byteLength(segment);
    if (size > bytes) break;
    kept += segment;
  }
  return kept.trimEnd();
}
