import { hash } from 'node:crypto';
import { Compile } from 'typebox/compile';
import { contentHash, DIGEST_SIZE } from '../../vfs/block.ts';
import { NewFilesSchema } from '../http/wire.ts';
import { MAX_NEW_BYTES, MAX_NEW_TEXT, splitNewFiles, type NewFiles } from '../new-files.ts';
import type { Block } from './blocks/block-store.ts';
import { isKnown } from './meta/posix.ts';
import { Refusal } from './refusal.ts';

/** One block of new files, and how many of them have it. */
export interface NewBlock extends Block {
  refs: number;
}

/** New files as they were received: well-formed, but not compared with anything that exists. */
export interface ReceivedFiles {
  readonly files: NewFiles;
  /** SHA-256 of what is said of them, hex. */
  readonly said: string;
  /** For each file the raw digests of its content; one, or none. */
  readonly manifests: readonly Uint8Array[];
  /** For each file the hash of its content. */
  readonly hashes: readonly string[];
  /** Each once, in the order of their digests. Whether the bytes have the digest is for the store to find out. */
  readonly blocks: readonly NewBlock[];
}

const checker = Compile(NewFilesSchema);
const NONE = new Uint8Array(0);
const EMPTY_HASH = contentHash(NONE);

/** @throws bad_request, too_large */
export function receiveFiles(body: Uint8Array): ReceivedFiles {
  const parts = splitNewFiles(body);
  if (parts === undefined) throw malformed('its parts do not fit its length');
  const { contents, text } = parts;
  if (contents.length > MAX_NEW_BYTES || text.length > MAX_NEW_TEXT) {
    throw new Refusal('too_large', 'too many files in one request');
  }
  const files = parse(text);
  return { files, said: hash('sha256', text, 'hex'), ...contentsOf(files, contents) };
}

function parse(text: Uint8Array): NewFiles {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.length).toString());
  } catch {
    throw malformed('its text is not JSON');
  }
  if (!checker.Check(value)) {
    const [first] = checker.Errors(value);
    throw malformed(`${first?.instancePath ?? ''} ${first?.message ?? 'is malformed'}`);
  }
  const { folders, folder, node, version, name, mode, mtime, birthtime, size, posix, xattrs } = value;
  const lists = [folder, version, name, mode, mtime, birthtime, size, posix];
  if (!lists.every(({ length }) => length === node.length)) throw malformed('its lists differ in length');
  if (!folder.every((at) => at < folders.length)) throw malformed('/folder names a folder that is not listed');
  if (!Object.keys(xattrs).every((at) => Number(at) < node.length)) throw malformed('/xattrs names no file');
  // What would be kept of those that this service does not know, only an intent's response says.
  if (!posix.every(isKnown)) throw malformed('/posix has unknown fields');
  return value;
}

function contentsOf({ size, digests }: NewFiles, contents: Uint8Array): Omit<ReceivedFiles, 'files' | 'said'> {
  const raw = Buffer.from(digests, 'base64');
  const manifests: Uint8Array[] = [];
  const hashes: string[] = [];
  const blocks = new Map<string, NewBlock>();
  let [at, next] = [0, 0];
  for (const bytes of size) {
    if (bytes === 0) {
      manifests.push(NONE);
      hashes.push(EMPTY_HASH);
      continue;
    }
    const digest = raw.subarray(next, next + DIGEST_SIZE);
    const hex = raw.toString('hex', next, next + DIGEST_SIZE);
    const known = blocks.get(hex);
    if (known === undefined) blocks.set(hex, { digest: hex, data: contents.subarray(at, at + bytes), refs: 1 });
    else if (Buffer.compare(known.data, contents.subarray(at, at + bytes)) === 0) known.refs += 1;
    else throw new Refusal('digest_mismatch', 'different contents have the same digest');
    manifests.push(digest);
    hashes.push(hash('sha256', digest, 'hex'));
    at += bytes;
    next += DIGEST_SIZE;
  }
  if (at !== contents.length || next !== raw.length) throw malformed('/size does not fit the contents');
  // Rows that are next to each other in the key of the table are inserted faster.
  return { manifests, hashes, blocks: [...blocks.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1)) };
}

function malformed(why: string): Refusal {
  return new Refusal('bad_request', `these are no new files: ${why}`);
}
