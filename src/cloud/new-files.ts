import type { PosixRecord, XattrRecord } from './records.ts';

/**
 * Many new files of one space, a list for each field: what one file has is at the same place in every list. Their contents are
 * sent in the same body, so that nothing is asked and nothing is named twice.
 */
export interface NewFiles {
  /** Under which the cloud makes them once. */
  readonly id: string;
  readonly space: string;
  /** The folders that they are put into. */
  readonly folders: readonly string[];
  /** For each file the place of its folder in `folders`. */
  readonly folder: readonly number[];
  readonly node: readonly string[];
  readonly version: readonly string[];
  readonly name: readonly string[];
  readonly mode: readonly number[];
  readonly mtime: readonly number[];
  readonly birthtime: readonly number[];
  /** Bytes, of one block at most. */
  readonly size: readonly number[];
  readonly posix: readonly PosixRecord[];
  /** Of those that have some, by their place in the lists. */
  readonly xattrs: Readonly<Record<string, XattrRecord>>;
  /** Base64 of the raw digests of the contents that are not empty. */
  readonly digests: string;
}

/** All of the files were made. Their revisions follow one another in the order of the lists. */
export interface MadeFiles {
  readonly id: string;
  /** The revision of the first. */
  readonly rev: number;
  readonly stamp: string;
}

/** Most files in one request, and most bytes of their contents and of what is said of them. */
export const MAX_NEW_FILES = 1000;
export const MAX_NEW_BYTES = 8 * 1024 * 1024;
export const MAX_NEW_TEXT = 8 * 1024 * 1024;

/** Bytes before the contents: how many the text has that follows them (32 bits, big-endian). */
export const NEW_FILES_HEAD = 4;

/**
 * Completes a body whose contents have been written behind its head, up to `end`.
 * @returns the body, which is in the same memory if that has room for it
 */
export function encodeNewFiles(memory: Uint8Array<ArrayBuffer>, end: number, files: NewFiles): Uint8Array<ArrayBuffer> {
  const text = Buffer.from(JSON.stringify(files));
  const length = end + text.length;
  let body = memory;
  if (memory.length < length) {
    body = new Uint8Array(length);
    body.set(memory.subarray(0, end));
  }
  body.set(text, end);
  new DataView(body.buffer, body.byteOffset).setUint32(0, text.length);
  return body.subarray(0, length);
}

/** The two parts of a body; `undefined` if it is none. The text has not been parsed. */
export function splitNewFiles(
  body: Uint8Array,
): { readonly contents: Uint8Array; readonly text: Uint8Array } | undefined {
  if (body.length < NEW_FILES_HEAD) return undefined;
  const at = body.length - new DataView(body.buffer, body.byteOffset).getUint32(0);
  if (at < NEW_FILES_HEAD) return undefined;
  return { contents: body.subarray(NEW_FILES_HEAD, at), text: body.subarray(at) };
}
