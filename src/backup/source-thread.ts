import { lstatSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { isEmpty, Listings, readSome, type ListingPage } from './listing.ts';
import { SegmentReader, type ReadRequest, type Segment, type SegmentLimits } from './segment-reader.ts';
import { attrsOf } from './source-entry.ts';
import { serve } from '../threads/serve.mjs';

/** The program of the threads that access the source folder. All of its calls block, so it needs a thread. */
export type SourceRequest =
  | { readonly ask: 'list'; readonly folder: string; readonly after: string | undefined }
  | { readonly ask: 'some'; readonly folder: string; readonly names: readonly string[] }
  | { readonly ask: 'isEmpty'; readonly folder: string }
  | { readonly ask: 'look'; readonly path: string }
  | { readonly ask: 'add'; readonly files: readonly ReadRequest[] }
  | { readonly ask: 'next' };

/** The state of a path; null if nothing is there. */
export type Look = ({ readonly isFolder: boolean } & ReturnType<typeof attrsOf>) | null;

export type SourceResponse = ListingPage | Look | Segment | boolean | undefined;

const listings = new Listings();
const reader = new SegmentReader(workerData as SegmentLimits);

function respond(request: SourceRequest): SourceResponse {
  if (request.ask === 'list') return listings.page(request.folder, request.after);
  if (request.ask === 'some') return readSome(request.folder, request.names);
  if (request.ask === 'isEmpty') return isEmpty(request.folder);
  if (request.ask === 'look') return look(request.path);
  if (request.ask === 'next') return reader.next();
  reader.add(request.files);
  return true;
}

function look(path: string): Look {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? { isFolder: stats.isDirectory(), ...attrsOf(stats) } : null;
}

/** The buffers to transfer with a response, so that blocks are not copied. */
function buffersOf(response: SourceResponse): ArrayBuffer[] {
  if (typeof response !== 'object' || response === null || !('blocks' in response)) return [];
  return response.blocks.map(({ data }) => data.buffer);
}

serve(respond, buffersOf);
