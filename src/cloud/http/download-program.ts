import { workerData } from 'node:worker_threads';
import { serve } from '../../threads/serve.mjs';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import { receive } from './block-response.ts';
import type { DownloadRequest, DownloadResponse } from './download-thread.ts';
import { record } from './errors.ts';
import type { OwnFrame } from './frames.ts';
import type { DispatcherOptions } from './dispatcher.ts';
import { Http } from './http-client.ts';

/** Blocks whose memory waits for others. */
const SPARE = 16;

interface Download {
  readonly frames: AsyncGenerator<OwnFrame>;
  readonly stop: AbortController;
}

/** The program of `DownloadThread`. */
const http = new Http({ ...(workerData as DispatcherOptions), reusesMemory: true });
const downloads = new Map<number, Download>();
const spare: ArrayBuffer[] = [];

function memory(length: number): Uint8Array<ArrayBuffer> {
  const buffer = length === BLOCK_SIZE ? spare.pop() : undefined;
  return new Uint8Array(buffer ?? Buffer.allocUnsafeSlow(length).buffer);
}

async function next(id: number): Promise<DownloadResponse> {
  try {
    const block = await downloads.get(id)?.frames.next();
    return { frame: block?.done === false ? block.value : undefined };
  } catch (error) {
    return { frame: undefined, failure: record(error) };
  }
}

function respond(request: DownloadRequest): DownloadResponse | Promise<DownloadResponse> {
  if (request.ask === 'next') {
    if (request.memory?.byteLength === BLOCK_SIZE && spare.length < SPARE) spare.push(request.memory);
    return next(request.id);
  }
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

serve(respond, ({ frame }) => (frame === undefined ? [] : [frame.data.buffer]));
