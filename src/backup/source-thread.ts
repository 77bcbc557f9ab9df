import { fstatSync, lstatSync, realpathSync, statSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { lowerThreadPriority } from '../libc/thread-priority.ts';
import { Describer } from './describer.ts';
import { hashOfFile } from './file-hash.ts';
import type { Halt } from './halt.ts';
import { isEmpty, Listings, type ListingPage } from './listing.ts';
import { realPlaceOf, type RealPlace } from './real-place.ts';
import { NewFileReader, type NewFilesFound, type NewFilesRequest } from './new-file-reader.ts';
import { OpenFolder } from './restore/open-folder.ts';
import { SegmentReader, type ReadRequest, type Segment, type SegmentLimits } from './segment-reader.ts';
import { checkSource } from './source-check.ts';
import { hasVanished, type SourceAttributes } from './source-entry.ts';
import { SourcePaths } from './source-paths.ts';
import { markVolume, volumeOf, type VolumeId } from './volume.ts';
import { serve } from '../threads/serve.mjs';

/**
 * The program of the threads that access the source folder. All of its calls block, so it needs a thread. Paths are
 * relative to the source folder, '' for itself, and their names in the readable form. The first request about a path opens the
 * folder, which stays open: whatever is mounted in its place later is not what these requests read.
 */
export type SourceRequest =
  /** `whole`: with the extended attributes of files, too. */
  | { readonly ask: 'list'; readonly folder: string; readonly after: string | undefined; readonly whole?: boolean }
  | { readonly ask: 'some'; readonly folder: string; readonly names: readonly string[] }
  | { readonly ask: 'isEmpty' }
  /** Its real path, if it is a folder. */
  | { readonly ask: 'folder' }
  | { readonly ask: 'place' }
  /** Opens it; null if it is not there. */
  | { readonly ask: 'hold' }
  /** Why the source cannot be mirrored just now, or its path leads to another folder than the one that is open. */
  | { readonly ask: 'check'; readonly volume: VolumeId | undefined }
  /** What names its volume; `marker`: a file is put there if nothing else does. */
  | { readonly ask: 'identify'; readonly marker: boolean }
  | { readonly ask: 'look'; readonly path: string }
  | { readonly ask: 'describe'; readonly path: string }
  | { readonly ask: 'add'; readonly files: readonly ReadRequest[] }
  /** `memory`: of blocks of earlier segments, that are not needed any more. */
  | { readonly ask: 'next'; readonly memory: readonly ArrayBuffer[] }
  | ({ readonly ask: 'newFiles' } & NewFilesRequest)
  /** The hash of a file's content as the cloud computes it; undefined if it is no file. */
  | { readonly ask: 'hash'; readonly path: string };

/** The state of a path; null if nothing is there. */
export type Look = ({ readonly isFolder: boolean } & SourceAttributes) | null;

export type SourceResponse =
  ListingPage | Look | Segment | NewFilesFound | Halt | VolumeId | RealPlace | string | boolean | undefined;

export type Priority = 'low' | 'normal';

export interface SourceThreadData {
  readonly limits: SegmentLimits;
  /** The source, an absolute path. */
  readonly folder: string;
  readonly priority: Priority;
}

const { limits, folder, priority } = workerData as SourceThreadData;
if (priority === 'low') lowerThreadPriority();
let held: ReturnType<typeof hold> | undefined;

function hold() {
  const open = OpenFolder.unfollowed(folder);
  const paths = new SourcePaths(open.self);
  const describer = new Describer(open.self);
  const listings = new Listings(paths, describer);
  const newFiles = new NewFileReader(paths, describer);
  return { open, paths, describer, listings, newFiles, reader: new SegmentReader(limits, paths, describer) };
}

function source(): ReturnType<typeof hold> {
  return (held ??= hold());
}

function respond(request: SourceRequest): SourceResponse {
  if (request.ask === 'list') return source().listings.page(request.folder, request.after, request.whole);
  if (request.ask === 'some') return source().listings.some(request.folder, request.names);
  if (request.ask === 'isEmpty') return isEmpty(source().open.self);
  if (request.ask === 'hold') return itself();
  if (request.ask === 'folder') return statSync(folder).isDirectory() ? realpathSync(folder) : undefined;
  if (request.ask === 'place') return realPlaceOf(folder);
  if (request.ask === 'check')
    return checkSource(folder, request.volume, held && fstatSync(held.open.fd, { bigint: true }));
  if (request.ask === 'identify') return volumeOf(folder) ?? (request.marker ? markVolume(folder) : undefined);
  if (request.ask === 'look') return look(request.path, false);
  if (request.ask === 'describe') return look(request.path, true);
  if (request.ask === 'hash') return source().paths.use(request.path, hashOfFile);
  if (request.ask === 'newFiles') return source().newFiles.next(request);
  if (request.ask === 'next') return source().reader.next(request.memory);
  source().reader.add(request.files);
  return true;
}

function itself(): Look {
  try {
    return look('', false);
  } catch (error) {
    if (hasVanished(error as NodeJS.ErrnoException)) return null;
    throw error;
  }
}

function look(relative: string, whole: boolean): Look {
  const { paths, describer } = source();
  return paths.use(relative, (path, raw) => {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (!stats) return null;
    const xattrs = whole ? describer.ofPath(path) : {};
    return { isFolder: stats.isDirectory(), ...describer.attributes(stats, raw), ...xattrs };
  });
}

/** The buffers to transfer with a response, so that blocks are not copied. */
function buffersOf(response: SourceResponse): ArrayBuffer[] {
  if (typeof response !== 'object' || response === null) return [];
  if ('batch' in response) return response.batch === undefined ? [] : [response.batch.body.buffer];
  if (!('blocks' in response)) return [];
  return [...new Set(response.blocks.map(({ data }) => data.buffer))];
}

serve(respond, buffersOf);
