import { workerData } from 'node:worker_threads';
import { serve } from '../threads/serve.mjs';
import { DiskReader, type Chunk } from './disk-reader.ts';
import { DiskWriter, type FileAttributes, type Placement, type Settled } from './disk-writer.ts';
import { Grounds, type Folding } from './grounds.ts';
import type { LocalMark } from './known.ts';
import { OldFiles, type Leftover, type Origin, type Review } from './old-files.ts';
import { SafeTree } from './safe-tree.ts';

/**
 * The program of the thread that reads and changes a synced folder: its calls block. Paths are relative to the folder. `expect` is the
 * signature of what must be there, null for nothing: if something else is, ESTALE or EEXIST is thrown and nothing has changed.
 */
export type DiskRequest =
  | { readonly ask: 'prepare'; readonly id: string }
  | { readonly ask: 'unmark' }
  | { readonly ask: 'check'; readonly id: string }
  | { readonly ask: 'fold' }
  | { readonly ask: 'holds'; readonly name: string }
  | { readonly ask: 'leftovers' }
  | { readonly ask: 'keep'; readonly name: string; readonly origin: Origin }
  | { readonly ask: 'drop'; readonly name: string }
  | { readonly ask: 'review' }
  | { readonly ask: 'rescue'; readonly name: string; readonly path: string }
  | { readonly ask: 'look'; readonly path: string }
  | { readonly ask: 'open'; readonly path: string }
  | { readonly ask: 'read'; readonly token: number }
  | { readonly ask: 'close'; readonly token: number }
  | { readonly ask: 'begin' }
  | { readonly ask: 'write'; readonly token: number; readonly data: Uint8Array }
  | ({ readonly ask: 'finish'; readonly token: number } & Placement)
  | { readonly ask: 'discard'; readonly token: number }
  | { readonly ask: 'place'; readonly files: readonly (Placement & { readonly data: Uint8Array })[] }
  | { readonly ask: 'mkdir'; readonly path: string; readonly mode: number }
  | { readonly ask: 'symlink'; readonly path: string; readonly target: string; readonly expect: string | null }
  | { readonly ask: 'move'; readonly from: string; readonly to: string; readonly expect: string }
  | { readonly ask: 'attributes'; readonly path: string; readonly expect: string; readonly attributes: FileAttributes }
  | { readonly ask: 'remove'; readonly path: string; readonly expect: string; readonly hash?: string | undefined }
  | { readonly ask: 'rmdir'; readonly path: string };

export type DiskResponse =
  | LocalMark
  | Chunk
  | Folding
  | Review
  | readonly Settled[]
  | readonly Leftover[]
  | string
  | boolean
  | number
  | null
  | undefined;

const { folder } = workerData as { readonly folder: string };
const tree = new SafeTree(folder);
const grounds = new Grounds(folder, tree);
const reader = new DiskReader(folder, tree);
const old = new OldFiles(tree);
const writer = new DiskWriter(folder, tree, old);

function respond(request: DiskRequest): DiskResponse {
  switch (request.ask) {
    case 'prepare':
      return grounds.prepare(request.id);
    case 'unmark':
      return grounds.unmark();
    case 'check':
      return grounds.check(request.id);
    case 'holds':
      return grounds.holds(request.name);
    case 'fold':
      return grounds.folding();
    case 'leftovers':
      return old.leftovers();
    case 'keep':
      return old.keep(request.name, request.origin);
    case 'drop':
      return old.discard(request.name);
    case 'review':
      return old.review();
    case 'rescue':
      return old.rescue(request.name, request.path);
    case 'look':
      return reader.look(request.path);
    case 'open':
      return reader.open(request.path);
    case 'read':
      return reader.read(request.token);
    case 'close':
      return reader.close(request.token);
    case 'begin':
      return writer.begin();
    case 'write':
      return writer.write(request.token, request.data);
    case 'finish':
      return writer.finish(request.token, request);
    case 'discard':
      return writer.discard(request.token);
    case 'place':
      return writer.place(request.files);
    case 'mkdir':
      return writer.mkdir(request.path, request.mode);
    case 'symlink':
      return writer.symlink(request.path, request.target, request.expect);
    case 'move':
      return writer.move(request.from, request.to, request.expect);
    case 'attributes':
      return writer.attributes(request.path, request.expect, request.attributes);
    case 'remove':
      return writer.remove(request.path, request.expect, request.hash);
    case 'rmdir':
      return writer.rmdir(request.path);
    default:
      return request satisfies never;
  }
}

serve(respond, (response) =>
  typeof response === 'object' && response !== null && 'data' in response ? [response.data.buffer] : [],
);
