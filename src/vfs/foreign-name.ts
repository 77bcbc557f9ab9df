/** What some system cannot hold about a name that POSIX allows. */
export type NameFault = 'reserved' | 'ending' | 'characters';

/** Device names of Windows, with any extension. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\..*)?$/i;
/** Dots and spaces, which Windows drops. */
const ENDING = /[. ]+$/;
/** What Windows does not allow in names, and control characters, which steer terminals. */
// eslint-disable-next-line no-control-regex
const CHARACTERS = /[\u0000-\u001F\u007F-\u009F<>:"\\|?*]/;

/** Why a name cannot be on every system; `undefined` if it can. */
export function nameFault(name: string): NameFault | undefined {
  if (CHARACTERS.test(name)) return 'characters';
  if (ENDING.test(name)) return 'ending';
  return RESERVED.test(name.trimEnd()) ? 'reserved' : undefined;
}

/**
 * Equal for names that are one on a system that ignores case (Windows, macOS) or the form of Unicode (macOS): NFC, folded by
 * way of upper case, so that `ß` and `SS`, or the two lower cases of sigma, meet.
 */
export function foldedName(name: string): string {
  return name.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');
}

/** A name near to this one that every system can hold. */
export function portableName(name: string): string {
  const plain = name.normalize('NFC').replaceAll(new RegExp(CHARACTERS, 'g'), '_').replace(ENDING, '');
  if (plain === '') return '_';
  return RESERVED.test(plain) ? `_${plain}` : plain;
}
