import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { NAME_MAX } from './name.ts';

/** What the readable form of a name has in place of a byte that is no UTF-8, of a backslash before such text, and of what was cut. */
const CODED = /\\x(?:5C|[89A-F][0-9A-F]|~)/;
const BACKSLASH = /\\(?=x(?:5C|[89A-F][0-9A-F]|~))/g;
const BYTE = /\\x(5C|[89A-F][0-9A-F])/g;
const CUT = '\\x~';
/** Hexadecimal digits of the digest behind `CUT`. */
const DIGITS = 16;

/**
 * A name of a POSIX file system, which is any bytes but '/' and NUL, as text that is unique to it: itself if it is UTF-8 and
 * does not look like a coded one; else with `\xE9` for a byte that is no UTF-8 and `\x5C` for a backslash that would look like
 * the beginning of such a code. A form of more than `longest` bytes is cut and ends with `\x~` and a digest of the name.
 */
export function readableName(raw: Uint8Array, longest = NAME_MAX): string {
  const text = piecesOf(raw)
    .map((piece) => (typeof piece === 'string' ? piece.replace(BACKSLASH, '\\x5C') : code(piece)))
    .join('');
  return Buffer.byteLength(text) <= longest ? text : cut(text, raw, longest);
}

/** True if `readableName` may have made more of the name than its text: it then has to be decoded. */
export function isCoded(name: string): boolean {
  return name.includes('\\x') && CODED.test(name);
}

/** The bytes of a name from its readable form; undefined if it was cut, and only the folder that has it can say. */
export function rawName(name: string): Buffer | undefined {
  if (name.includes(CUT)) return undefined;
  const parts = name.split(BYTE);
  // `split` alternates text and the digits that it found.
  return Buffer.concat(parts.map((part, i) => Buffer.from(part, i % 2 === 0 ? 'utf8' : 'hex')));
}

/** Stretches of UTF-8 as text, and bytes that belong to none. */
function piecesOf(raw: Uint8Array): (string | number)[] {
  if (isUtf8(raw)) return [Buffer.from(raw).toString('utf8')];
  const pieces: (string | number)[] = [];
  let start = 0;
  for (let at = 0; at < raw.length;) {
    const length = characterAt(raw, at);
    if (length === 0) {
      if (at > start) pieces.push(Buffer.from(raw.subarray(start, at)).toString('utf8'));
      pieces.push(raw[at] as number);
      start = at + 1;
    }
    at += Math.max(length, 1);
  }
  if (start < raw.length) pieces.push(Buffer.from(raw.subarray(start)).toString('utf8'));
  return pieces;
}

/** Bytes of the character that begins here; 0 if none does. */
function characterAt(raw: Uint8Array, at: number): number {
  for (let length = 1; length <= 4; length++) {
    if (at + length <= raw.length && isUtf8(raw.subarray(at, at + length))) return length;
  }
  return 0;
}

function code(byte: number): string {
  return `\\x${byte.toString(16).toUpperCase()}`;
}

function cut(text: string, raw: Uint8Array, longest: number): string {
  const digest = createHash('sha256').update(raw).digest('hex').slice(0, DIGITS);
  const room = longest - CUT.length - DIGITS;
  let kept = '';
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    kept += character;
  }
  // Half a code would be read as one together with what follows, or as text.
  return kept.replace(/\\(?:x[0-9A-F]?)?$/, '') + CUT + digest;
}
