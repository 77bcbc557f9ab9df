import { setImmediate } from 'node:timers/promises';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import type { Pins } from './pins.ts';

/** Entries between two turns of the event loop. */
const STEP = 200;

/** Yields the files below a node for which its mark counts: not those below nodes with a mark of their own. */
export async function* filesUnder(catalog: Catalog, pins: Pick<Pins, 'hasMark'>, top: Entry): AsyncGenerator<Entry> {
  if (top.kind === 'file') yield top;
  if (top.kind !== 'folder') return;
  const folders = [top.id];
  let steps = 0;
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for await (const entry of catalog.children(next)) {
      if (++steps % STEP === 0) await setImmediate();
      if (pins.hasMark(entry.id)) continue;
      if (entry.kind === 'folder') folders.push(entry.id);
      else if (entry.kind === 'file') yield entry;
    }
  }
}

/** Yields all files that are pinned. */
export async function* pinnedFiles(catalog: Catalog, pins: Pins): AsyncGenerator<Entry> {
  for (const [entry, { pinned }] of pins.marked()) if (pinned) yield* filesUnder(catalog, pins, entry);
}
