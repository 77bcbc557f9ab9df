import mime from 'mime';

/** Types of which no browser runs anything; SVG is a document with scripts. */
const PASSIVE = /^(image\/(?!svg)|audio\/|video\/|application\/pdf$)/;

/**
 * The `Content-Type` of a user's file, by the extension of its name: that of a picture, a recording or a PDF, so that the web app can show
 * it, and `application/octet-stream` for all else.
 */
export function passiveType(name: string | undefined): string {
  const type = mime.getType(name ?? '');
  return type !== null && PASSIVE.test(type) ? type : 'application/octet-stream';
}
