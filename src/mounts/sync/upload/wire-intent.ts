import type { Entry } from '../../../cache/tree/entry.ts';
import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { Intent, WireContent } from '../../../cloud/records.ts';

const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;
const LINK_MODE = 0o777;

/**
 * An intent in the cloud's format. Metadata comes from the entry, `undefined` if the node has been removed here since.
 * `resolve` returns the current id of a folder of a space; `content` is that of a put.
 */
export function wireIntent(
  intent: PendingIntent,
  entry: Entry | undefined,
  resolve: (id: string, space: string) => string,
  content?: WireContent,
): Intent {
  const { name, targetSpace = intent.space } = intent;
  const place = { parent: resolve(intent.parent, targetSpace), name };
  return MAKERS[intent.op]({ intent, entry, resolve, place, content, subject: subjectOf(intent) });
}

interface Making {
  readonly intent: PendingIntent;
  readonly entry: Entry | undefined;
  readonly resolve: (id: string, space: string) => string;
  readonly place: { readonly parent: string; readonly name: string };
  readonly subject: { readonly id: string; readonly space: string; readonly node: string };
  readonly content: WireContent | undefined;
}

const MAKERS: Readonly<Record<PendingIntent['op'], (making: Making) => Intent>> = {
  mkdir: ({ intent, entry, subject, place }) => ({
    op: 'mkdir',
    ...subject,
    ...place,
    ...born(intent, entry, FOLDER_MODE),
    ...replacing(intent),
  }),
  symlink: ({ intent, entry, subject, place }) => {
    const metadata = born(intent, entry, LINK_MODE);
    return { op: 'symlink', ...subject, ...place, ...metadata, target: entry?.target ?? '.', ...replacing(intent) };
  },
  put: ({ intent, entry, subject, place, content = { size: 0, blocks: '' } }) => {
    const { version = intent.id, base = null } = intent;
    const metadata = born(intent, entry, FILE_MODE);
    return {
      op: 'put',
      ...subject,
      ...place,
      ...metadata,
      version,
      base,
      content,
      ...replacing(intent),
      ...following(intent),
    };
  },
  move: ({ intent, resolve, subject, place }) => {
    const { parent, name } = intent.origin ?? intent;
    const { targetSpace = intent.space } = intent;
    return {
      op: 'move',
      ...subject,
      ...(targetSpace === intent.space ? {} : { targetSpace }),
      ...place,
      from: { parent: resolve(parent, intent.space), name },
      ...replacing(intent),
      ...following(intent),
    };
  },
  attr: ({ intent, entry, subject }) => ({ op: 'attr', ...subject, ...changed(intent, entry) }),
  remove: ({ intent: { base = null, seen = 0, empty }, subject }) => {
    return { op: 'remove', ...subject, base, seen, ...(empty === undefined ? {} : { empty }) };
  },
};

function subjectOf({ id, space, node }: PendingIntent) {
  return { id, space, node };
}

function replacing({ replace, replaceBase }: PendingIntent) {
  if (replace === undefined) return {};
  return { replace, ...(replaceBase === undefined ? {} : { replaceBase }) };
}

function following({ predecessor }: PendingIntent) {
  return predecessor === undefined ? {} : { predecessor };
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
