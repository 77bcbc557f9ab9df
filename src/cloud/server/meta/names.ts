import { FsError } from '../../../vfs/fs-error.ts';
import { NAME_MAX, checkName, splitExtension } from '../../../vfs/name.ts';
import { Refusal } from '../refusal.ts';

/** @throws name_invalid */
export function checkNodeName(name: string): void {
  try {
    checkName(name, 'name');
  } catch (error) {
    if (!(error instanceof FsError)) throw error;
    throw new Refusal('name_invalid', error.reason ?? 'this is not a valid file name');
  }
}

/** The name with a number before its extension, shortened if it would be too long: `a.txt`, 2 → `a (2).txt`. */
export function numbered(name: string, number: number): string {
  const [stem, extension] = splitExtension(name);
  const tail = ` (${number})${extension}`;
  const room = NAME_MAX - Buffer.byteLength(tail);
  if (room < 1) return `${fitName(name, NAME_MAX - Buffer.byteLength(` (${number})`))} (${number})`;
  return fitName(stem, room) + tail;
}

/** The beginning of a text, of at most so many bytes. */
export function fitName(text: string, bytes: number): string {
  let kept = '';
  let used = 0;
  for (const character of text) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    kept += character;
  }
  return kept;
}
