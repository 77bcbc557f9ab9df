/** Control characters that no text contains; escapes of terminals do. */
// oxlint-disable-next-line no-control-regex
const BINARY = /[\0-\x08\x0e-\x1a\x1c-\x1f]/;

/**
 * The text in the first bytes of a file: UTF-8, UTF-16 with its mark, or else Windows-1252, which every byte is a character of.
 * @param isWhole false if bytes were left out after these, which may begin with the rest of a character
 * @returns undefined if it is no text
 */
export function textOfBytes(bytes: Uint8Array, isWhole: boolean): string | undefined {
  const [first, second] = bytes;
  const utf16 =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
  const text = utf16 === undefined ? eightBit(bytes, isWhole) : new TextDecoder(utf16).decode(bytes);
  return BINARY.test(text) ? undefined : text;
}

function eightBit(bytes: Uint8Array, isWhole: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: !isWhole });
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
