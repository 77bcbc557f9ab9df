/** Control characters, what turns the direction of the text around it, and the separator of paths on Windows. */
const HARMFUL = /[\p{Cc}\u202A-\u202E\u2066-\u2069\\]/gu;

/**
 * A name of a node as one part of a path in an archive: whichever system extracts it, it leads nowhere else. Windows drops dots and spaces at
 * the end of a name, so that `.. ` would be the folder above, and takes `C:` for a drive.
 */
export function harmless(name: string): string {
  const text = name.replaceAll(HARMFUL, '_').replace(/^([a-z]):/i, '$1_');
  return /^[. ]+$/.test(text) ? '_'.repeat(text.length) : text;
}

/**
 * Whether a symlink of a folder of the archive stays below that folder, whatever it leads through. One that does not is extracted as a
 * file with its target as text, or files could be written through it to anywhere.
 */
export function leadsDown(target: string): boolean {
  const parts = target.split('/');
  return parts.every((part) => part !== '..' && part === harmless(part)) && parts[0] !== '';
}
