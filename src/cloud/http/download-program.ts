import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { serve } from '../../threads/serve.mjs';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import { receive } from './block-response.ts';
import { BorrowedAllowance } from './bandwidth-port.ts';
import type { DownloadData, DownloadRequest, DownloadResponse, FilePlace, ReceivedFrame } from './download-thread.ts';
import { record } from './errors.ts';
import type { OwnFrame } from './frames.ts';
import { Http } from './http-client.ts';

/** Blocks whose memory waits for others. */
const SPARE = 16;
/** Bytes written at a time. */
const WRITTEN = 256 * 1024;
const NONE = new Uint8Array();

interface Download {
  readonly frames: AsyncGenerator<OwnFrame>;
  readonly stop: AbortController;
}

/** The program of `DownloadThread`. */
const { options, port, limit } = workerData as DownloadData;
const http = new Http({ ...options, down: new BorrowedAllowance(port, limit), reusesMemory: true });
const downloads = new Map<number, Download>();
const spare: ArrayBuffer[] = [];

function memory(length: number): Uint8Array<ArrayBuffer> {
  const buffer = length === BLOCK_SIZE ? spare.pop() : undefined;
  return new Uint8Array(buffer ?? Buffer.allocUnsafeSlow(length).buffer);
}

function keep(buffer: ArrayBuffer | undefined): void {
  if (buffer?.byteLength === BLOCK_SIZE && spare.length < SPARE) spare.push(buffer);
}

/** The frame without its bytes, if they could be written. */
function written(frame: OwnFrame, { fd, position, length }: FilePlace): ReceivedFrame {
  const { digest, data } = frame;
  if (data.length !== length) return frame;
  try {
    for (let done = 0; done < length;) {
      done += writeSync(fd, data, done, Math.min(WRITTEN, length - done), position + done);
    }
  } catch {
    // A disk that is full or broken is the caller's affair: it gets the bytes.
    return frame;
  }
  keep(data.buffer);
  return { digest, data: NONE, isWritten: true };
}

async function next(id: number, file: FilePlace | undefined): Promise<DownloadResponse> {
  try {
    const block = await downloads.get(id)?.frames.next();
    if (block?.done !== false) return { frame: undefined };
    return { frame: file === undefined ? block.value : written(block.value, file) };
  } catch (error) {
    return { frame: undefined, failure: record(error) };
  }
}

function respond(request: DownloadRequest): DownloadResponse | Promise<DownloadResponse> {
  if (request.ask === 'next') {
    keep(request.memory);
    return next(request.id, request.file);
  }
  if (request.ask === 'start') return { frame: undefined };
  if (request.ask === 'renew') http.renew();
  else if (request.ask === 'begin') {
    const stop = new AbortController();
    const frames = receive({ http, memory }, request.call, request.most, { signal: stop.signal });
    downloads.set(request.id, { frames, stop });
  } else {
    const download = downloads.get(request.id);
    downloads.delete(request.id);
    download?.stop.abort();
    void download?.frames.return(undefined).catch(() => undefined);
  }
  return { frame: undefined };
}

serve(respond, ({ frame }) => (frame === undefined || frame.isWritten === true ? [] : [frame.data.buffer]));
