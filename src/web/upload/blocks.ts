import { ApiError, failure } from '../api.ts';
import { persist } from './retry.ts';

/** Bytes of a block of content (`docs/api.md`). */
const BLOCK = 1024 * 1024;
/** Blocks that are asked for and sent together: a request has at most 8 MiB. */
const BATCH = 7;
const DIGEST = 32;

export interface SentContent {
  readonly size: number;
  /** Base64 of the list of digests. */
  readonly blocks: string;
}

export interface Report {
  /** Bytes that are in the cloud. */
  readonly onProgress: (sent: number) => void;
  readonly onPause: (isPaused: boolean) => void;
}

interface Block {
  readonly digest: Uint8Array<ArrayBuffer>;
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * Sends the blocks of a file that the cloud lacks. Blocks that are there already, from another file or an interrupted upload, are
 * only hashed. The next blocks are read while the ones before are sent; memory holds two batches.
 * @throws ApiError, NotReadableError if the file has changed
 */
export async function sendBlocks(file: Blob, signal: AbortSignal, report: Report): Promise<SentContent> {
  const digests = new Uint8Array(Math.ceil(file.size / BLOCK) * DIGEST);
  let sending: Promise<void> = Promise.resolve();
  for (let start = 0; start < file.size; start += BATCH * BLOCK) {
    const end = Math.min(file.size, start + BATCH * BLOCK);
    const blocks = await readBlocks(file, start, end);
    for (const [index, { digest }] of blocks.entries()) digests.set(digest, (start / BLOCK + index) * DIGEST);
    await sending;
    signal.throwIfAborted();
    sending = sendMissing(blocks, signal, report).then(() => report.onProgress(end));
    // It is waited for in the next round, by then it may have failed.
    sending.catch(() => undefined);
  }
  await sending;
  return { size: file.size, blocks: base64(digests) };
}

async function readBlocks(file: Blob, start: number, end: number): Promise<Block[]> {
  const blocks: Block[] = [];
  for (let at = start; at < end; at += BLOCK) {
    const data = new Uint8Array(await file.slice(at, Math.min(end, at + BLOCK)).arrayBuffer());
    blocks.push({ data, digest: new Uint8Array(await crypto.subtle.digest('SHA-256', data)) });
  }
  return blocks;
}

async function sendMissing(blocks: readonly Block[], signal: AbortSignal, { onPause }: Report): Promise<void> {
  const wanted = JSON.stringify({ digests: base64(concat(blocks.map(({ digest }) => digest))) });
  const response = await persist(() => post('/v1/blocks/missing', wanted, signal), signal, onPause);
  const { missing } = (await response.json()) as { missing: string };
  const lacking = new Set(split(missing));
  const frames = blocks.filter(({ digest }) => lacking.delete(base64(digest))).flatMap(frameOf);
  if (frames.length === 0) return;
  await persist(() => post('/v1/blocks', new Blob(frames), signal), signal, onPause);
}

function frameOf({ digest, data }: Block): Uint8Array<ArrayBuffer>[] {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, data.length);
  return [length, digest, data];
}

async function post(path: string, body: string | Blob, signal: AbortSignal): Promise<Response> {
  const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
  let response: Response;
  try {
    response = await fetch(path, { method: 'POST', body, signal, headers: { 'content-type': type } });
  } catch (error) {
    throw new ApiError('offline', String(error));
  }
  if (!response.ok) throw await failure(response);
  return response;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.length * DIGEST);
  for (const [index, part] of parts.entries()) all.set(part, index * DIGEST);
  return all;
}

/** The digests of a list, each in base64. */
function split(list: string): string[] {
  const bytes = Uint8Array.from(atob(list), (character) => character.charCodeAt(0));
  const count = bytes.length / DIGEST;
  return Array.from({ length: count }, (_, index) => base64(bytes.subarray(index * DIGEST, (index + 1) * DIGEST)));
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
}
