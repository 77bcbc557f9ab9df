import { mkdir, open, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ContentStore, StagedFile, Staging } from '../../cache/content/content.ts';
import type { SpaceState } from '../../cache/tree/catalog.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import { background } from '../../vfs/context.ts';
import { sweepLater } from './follow/sweep.ts';
import type { Issues } from './issues.ts';
import type { Replica } from './replica.ts';

/** Bytes copied at a time. */
const CHUNK = 1 << 20;

export interface RescueParts {
  readonly staging: Pick<Staging, 'open'>;
  readonly store: Pick<ContentStore, 'drop'>;
  readonly issues: Pick<Issues, 'add'>;
}

/**
 * What becomes of a shared folder that this account does not have any more: what was written here and has not reached the cloud
 * is put into a folder of this computer, which an issue names; the rest, with its cached content, is removed.
 */
export function rescueInto(dir: string, parts: RescueParts): (replica: Replica, space: SpaceState) => Promise<void> {
  return async (replica, space) => {
    const { catalog } = replica;
    const folder = catalog.get(space.root);
    // It was left here; records of what is in it may have come since.
    if (folder === undefined) return sweepLater(replica, space.root);
    const path = catalog.path(folder);
    const day = new Date(replica.now()).toISOString().slice(0, 10);
    const rescue = new Rescue(parts, replica, join(dir, `${folder.name} ${day} ${space.id.slice(-6)}`));
    const contents = await contentsBelow(replica, folder);
    // Programs go on writing until the folder leaves, which is in the turn that finds nothing more to save.
    for (let unsent = unsavedBelow(replica, folder, rescue); unsent.length > 0;) {
      for (const entry of unsent) await rescue.save(entry, catalog.path(entry).slice(path.length));
      unsent = unsavedBelow(replica, folder, rescue);
    }
    const { kept, damaged, target } = rescue;
    if (kept + damaged > 0) {
      const lost = damaged === 0 ? '' : `; ${damaged} more could not be read`;
      const reason = `it is not shared with this account any more; ${kept} unsent changes are in ${target}${lost}`;
      const issue = { space: space.id, node: folder.id, path, reason, at: replica.now(), rescued: target };
      replica.submit([parts.issues.add(issue)]);
    }
    leave(replica, folder);
    await replica.written();
    for (const hash of contents) await parts.store.drop(hash);
  };
}

/** Copies what was not sent into a folder of its own: what was rescued there before stays as it is. */
class Rescue {
  readonly #parts: RescueParts;
  readonly #replica: Replica;
  readonly #wanted: string;
  readonly #seen = new Set<string>();
  #made: Promise<string> | undefined;
  target = '';
  kept = 0;
  damaged = 0;

  constructor(parts: RescueParts, replica: Replica, wanted: string) {
    this.#parts = parts;
    this.#replica = replica;
    this.#wanted = wanted;
  }

  /** Whether an attempt was made to save what an entry has now. */
  knows(entry: Entry): boolean {
    return this.#seen.has(this.#contentOf(entry));
  }

  async save(entry: Entry, path: string): Promise<void> {
    this.#seen.add(this.#contentOf(entry));
    const staged = stagedOf(this.#replica, entry);
    if (entry.kind === 'file' && staged === undefined) return;
    this.target = await (this.#made ??= madeFolder(this.#wanted));
    const to = join(this.target, path);
    try {
      await mkdir(dirname(to), { recursive: true, mode: 0o700 });
      await rm(to, { force: true });
      if (entry.kind === 'symlink') await symlink(entry.target ?? '', to);
      else await copyOut(await this.#parts.staging.open(staged ?? ''), to);
      this.kept++;
    } catch {
      await rm(to, { force: true });
      this.damaged++;
    }
  }

  #contentOf(entry: Entry): string {
    return `${entry.id} ${entry.version} ${stagedOf(this.#replica, entry) ?? entry.target ?? ''}`;
  }
}

/** @returns the folder, which is new; another one if there is one of this name */
async function madeFolder(wanted: string): Promise<string> {
  await mkdir(dirname(wanted), { recursive: true, mode: 0o700 });
  for (let n = 1; ; n++) {
    const path = n === 1 ? wanted : `${wanted} (${n})`;
    try {
      await mkdir(path, { mode: 0o700 });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function stagedOf({ journal }: Replica, { id, staged }: Entry): string | undefined {
  return staged ?? journal.of(id).findLast((intent) => intent.staged !== undefined)?.staged;
}

/** What has content or a target that the cloud does not know, and has not been looked at. */
function unsavedBelow({ catalog, journal }: Replica, folder: Entry, rescue: Rescue): Entry[] {
  const found = new Map<string, Entry>();
  for (const { node, op } of journal.all()) {
    const entry = catalog.get(node);
    if (entry === undefined || (op !== 'put' && op !== 'symlink') || rescue.knows(entry)) continue;
    if (isBelow(catalog, entry, folder)) found.set(entry.id, entry);
  }
  return [...found.values()];
}

function isBelow(catalog: Replica['catalog'], entry: Entry, folder: Entry): boolean {
  return [...catalog.ancestors(entry)].some(({ id }) => id === folder.id);
}

/** The cached contents of the files in a folder. */
async function contentsBelow({ catalog }: Replica, folder: Entry): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  for await (const { hash } of catalog.below(folder.id)) if (hash !== undefined) hashes.add(hash);
  return hashes;
}

async function copyOut(file: StagedFile, to: string): Promise<void> {
  const out = await open(to, 'wx', 0o600);
  try {
    const chunk = Buffer.allocUnsafe(CHUNK);
    for (let position = 0; position < file.size;) {
      const count = await file.read(chunk, position, background);
      if (count === 0) throw new Error('the staged file is shorter than it says');
      await out.write(chunk, 0, count, position);
      position += count;
    }
    await out.sync();
  } finally {
    await out.close();
  }
}

/** The folder leaves the drive in this turn, with what was to be sent of it; what is below follows. */
function leave(replica: Replica, folder: Entry): void {
  const { catalog, journal } = replica;
  const isOf = (node: string): boolean => {
    const entry = catalog.get(node);
    return entry !== undefined && isBelow(catalog, entry, folder);
  };
  const unsent = [...journal.all()].filter(({ node }) => isOf(node));
  replica.submit(unsent.map(({ seq }) => journal.remove(seq)));
  const left = catalog.get(folder.id);
  if (left !== undefined) replica.retire(left);
  sweepLater(replica, folder.id);
}
