import { lstatSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { Listings, type ListingPage } from './listing.ts';
import { SegmentReader, type ReadRequest, type Segment, type SegmentLimits } from './segment-reader.ts';
import { attrsOf } from './source-entry.ts';
import type { ThreadAnswer } from './thread.ts';

/** The program of the threads that touch the source folder. Everything in it blocks, which is why it is a thread. */
export type SourceQuestion =
  | { readonly ask: 'list'; readonly folder: string; readonly after: string | undefined }
  | { readonly ask: 'look'; readonly path: string }
  | { readonly ask: 'add'; readonly files: readonly ReadRequest[] }
  | { readonly ask: 'next' };

/** What is at a path now, if anything is. */
export type Look = ({ readonly isFolder: boolean } & ReturnType<typeof attrsOf>) | null;

export type SourceAnswer = ListingPage | Look | Segment | true;

const listings = new Listings();
const reader = new SegmentReader(workerData as SegmentLimits);

function answer(question: SourceQuestion): SourceAnswer {
  if (question.ask === 'list') return listings.page(question.folder, question.after);
  if (question.ask === 'look') return look(question.path);
  if (question.ask === 'next') return reader.next();
  reader.add(question.files);
  return true;
}

function look(path: string): Look {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? { isFolder: stats.isDirectory(), ...attrsOf(stats) } : null;
}

function reply({ id, question }: { id: number; question: SourceQuestion }): void {
  let message: ThreadAnswer<SourceAnswer>;
  try {
    message = { id, result: answer(question) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    message = { id, failure: { code, message: error instanceof Error ? error.message : String(error) } };
  }
  parentPort?.postMessage(message, buffersOf(message));
}

/** Blocks are handed over, not copied. */
function buffersOf(message: ThreadAnswer<SourceAnswer>): ArrayBuffer[] {
  if (!('result' in message) || message.result === true || message.result === null) return [];
  return 'blocks' in message.result ? message.result.blocks.map(({ data }) => data.buffer) : [];
}

parentPort?.on('message', reply);
