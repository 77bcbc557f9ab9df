import type { Entry } from '../cache/entry.ts';
import type { PendingIntent } from '../cache/journal.ts';
import type { Intent, WireContent } from '../cloud/wire.ts';

const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

/**
 * An intent as the cloud gets it. Metadata comes from the entry, `undefined` if the node has been removed here since.
 * `resolve` gives the id that a folder has now; `content` is that of a put.
 */
export function wireIntent(
  intent: PendingIntent,
  entry: Entry | undefined,
  resolve: (id: string) => string,
  content?: WireContent,
): Intent {
  const { id, space, node, name } = intent;
  const subject = { id, space, node };
  const place = { parent: resolve(intent.parent), name };
  const replace = intent.replace === undefined ? {} : { replace: intent.replace };
  switch (intent.op) {
    case 'mkdir':
      return { op: 'mkdir', ...subject, ...place, ...born(intent, entry, FOLDER_MODE) };
    case 'symlink':
      return { op: 'symlink', ...subject, ...place, ...born(intent, entry, 0o777), target: entry?.target ?? '.' };
    case 'put': {
      const { version = intent.id, base = null } = intent;
      const bytes = content ?? { size: 0, blocks: '' };
      return { op: 'put', ...subject, ...place, ...born(intent, entry, FILE_MODE), version, base, content: bytes, ...replace };
    }
    case 'move': {
      const from = intent.origin ?? intent;
      return { op: 'move', ...subject, ...place, from: { parent: resolve(from.parent), name: from.name }, ...replace };
    }
    case 'attr':
      return { op: 'attr', ...subject, ...changed(intent, entry) };
    case 'remove':
      return { op: 'remove', ...subject, base: intent.base ?? null, seen: intent.seen ?? 0 };
  }
}

function born(intent: PendingIntent, entry: Entry | undefined, mode: number) {
  if (entry === undefined) return { mode, mtime: intent.at, birthtime: intent.at };
  const { mtime, birthtime, xattrs = {} } = entry;
  return { mode: entry.mode, mtime, birthtime, xattrs: { ...xattrs } };
}

function changed({ cleared = [] }: PendingIntent, entry: Entry | undefined) {
  if (entry === undefined) return {};
  const { mode, mtime, birthtime, xattrs = {} } = entry;
  const gone = cleared.filter((name) => !Object.hasOwn(xattrs, name)).map((name) => [name, null] as const);
  return { mode, mtime, birthtime, xattrs: { ...xattrs, ...Object.fromEntries(gone) } };
}
