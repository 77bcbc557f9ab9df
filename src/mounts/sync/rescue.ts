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
    if (folder === undefined) return;
    const day = new Date(replica.now()).toISOString().slice(0, 10);
    const target = join(dir, `${folder.name} ${day} ${space.id.slice(-6)}`);
    const path = catalog.path(folder);
    const unsent = unsentBelow(replica, folder);
    let kept = 0;
    let damaged = 0;
    for (const entry of unsent) {
      const to = join(target, catalog.path(entry).slice(path.length));
      const result = await save(parts.staging, replica, entry, to);
      if (result === 'saved') kept++;
      if (result === 'failed') damaged++;
    }
    if (kept + damaged > 0) {
      const lost = damaged === 0 ? '' : `; ${damaged} more could not be read`;
      const reason = `it is not shared with this account any more; ${kept} unsent changes are in ${target}${lost}`;
      const issue = { space: space.id, node: folder.id, path, reason, at: replica.now(), rescued: target };
      replica.submit([parts.issues.add(issue)]);
      await replica.written();
    }
    await remove(parts, replica, folder);
  };
}

/** What has content or a target that the cloud does not know. */
function unsentBelow({ catalog, journal }: Replica, folder: Entry): Entry[] {
  const found = new Map<string, Entry>();
  for (const { node, op } of journal.all()) {
    const entry = catalog.get(node);
    if (entry === undefined || (op !== 'put' && op !== 'symlink')) continue;
    if ([...catalog.ancestors(entry)].some(({ id }) => id === folder.id)) found.set(entry.id, entry);
  }
  return [...found.values()];
}

async function save(
  staging: Pick<Staging, 'open'>,
  { journal }: Replica,
  entry: Entry,
  to: string,
): Promise<'saved' | 'failed' | 'nothing'> {
  const staged = entry.staged ?? journal.of(entry.id).findLast((intent) => intent.staged !== undefined)?.staged;
  if (entry.kind === 'file' && staged === undefined) return 'nothing';
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    if (entry.kind === 'symlink') await symlink(entry.target ?? '', to);
    else await copyOut(await staging.open(staged ?? ''), to);
    return 'saved';
  } catch {
    await rm(to, { force: true });
    return 'failed';
  }
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

/** The folder leaves the drive at once; what is below follows, and its content leaves the cache. */
async function remove({ store }: RescueParts, replica: Replica, folder: Entry): Promise<void> {
  const { catalog, journal } = replica;
  const hashes = new Set<string>();
  const ids: string[] = [];
  for await (const { id, hash } of catalog.below(folder.id)) {
    ids.push(id);
    if (hash !== undefined) hashes.add(hash);
  }
  const intents = ids.flatMap((id) => journal.of(id));
  replica.submit(intents.map(({ seq }) => journal.remove(seq)));
  const left = catalog.get(folder.id);
  if (left !== undefined) replica.retire(left);
  sweepLater(replica, folder.id);
  for (const hash of hashes) await store.drop(hash);
}
