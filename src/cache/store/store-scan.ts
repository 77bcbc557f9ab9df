import { existsSync, unlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Bitmap } from '../disk/bitmap.ts';
import { BLOCK_SIZE, blockCount } from '../../vfs/block.ts';
import type { GroupWriter, Op } from '../db/group-writer.ts';
import type { StoreIndex } from './store-index.ts';
import type { StoreRecord } from './stored-content.ts';
import type { Table } from '../db/table.ts';

/** Records that are read together, and processed in one turn of the event loop. */
const PAGE = 1000;
/** Resolution of the time of last use, ms: one hour. */
const AGE_STEP = 3_600_000;

interface Found {
  readonly hash: string;
  readonly bytes: number;
}

export interface ScanParts {
  readonly dir: string;
  readonly records: Table<StoreRecord>;
  readonly writer: GroupWriter;
  readonly index: StoreIndex;
  readonly signal: AbortSignal;
}

/**
 * Scans in the background what earlier processes have left, while the store is already serving. It restores the order
 * of eviction from the records, and removes files without a record and records without a file.
 */
export async function scanStore(parts: ScanParts): Promise<void> {
  const trash = join(parts.dir, 'trash');
  for (const name of await readdir(trash)) await rm(join(trash, name), { force: true });
  const ages = new Map<number, Found[]>();
  for (let prefix = 0; prefix < 256; prefix++) {
    if (parts.signal.aborted) return;
    await scanFolder(parts, prefix.toString(16).padStart(2, '0'), ages);
  }
  const recent = parts.index.idleHashes();
  for (const age of [...ages.keys()].sort((a, b) => a - b)) {
    for (const [place, { hash, bytes }] of (ages.get(age) ?? []).entries()) {
      if (parts.records.get(hash) !== undefined) parts.index.found(hash, bytes);
      if (place % PAGE === PAGE - 1) await setImmediate();
      if (parts.signal.aborted) return;
    }
  }
  parts.index.renewOrder(recent);
  await parts.index.trim();
}

async function scanFolder(parts: ScanParts, prefix: string, ages: Map<number, Found[]>): Promise<void> {
  const { dir, records, index } = parts;
  const names = new Set(await readdir(join(dir, 'store', prefix)).catch(() => []));
  const ops: Op[] = [];
  // 'g' sorts after the last character of any hash.
  for (let gt = prefix; ;) {
    const page = await records.range({ gt, lt: `${prefix}g`, limit: PAGE });
    for (const [hash, record] of page) {
      gt = hash;
      if (names.delete(hash) || existsSync(index.path(hash))) note(ages, hash, record);
      else if (!index.isKnown(hash)) ops.push(records.del(hash));
    }
    if (page.length < PAGE) break;
  }
  for (const name of names) {
    if (!index.isKnown(name) && records.get(name) === undefined) unlinkSync(join(dir, 'store', prefix, name));
  }
  if (ops.length > 0) await parts.writer.write(ops);
}

function note(ages: Map<number, Found[]>, hash: string, { size, used, bits, holes = 0 }: StoreRecord): void {
  const count = blockCount(size);
  const bytes = bits === undefined ? size : Math.min(size, Bitmap.from(bits, count).count * BLOCK_SIZE);
  const age = Math.floor(used / AGE_STEP);
  const found = ages.get(age);
  const one = { hash, bytes: bytes - holes };
  if (found === undefined) ages.set(age, [one]);
  else found.push(one);
}
