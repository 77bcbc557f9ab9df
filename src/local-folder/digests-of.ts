import type { ContentStore } from '../cache/content/content.ts';
import type { Catalog } from '../cache/tree/catalog.ts';
import type { Context } from '../vfs/context.ts';
import type { DigestList } from '../vfs/digest-list.ts';
import type { Attr } from '../vfs/node.ts';

interface Sources {
  readonly catalog: Pick<Catalog, 'get'>;
  readonly store: Pick<ContentStore, 'manifest'>;
}

/** The digests of the blocks of this version of a file; undefined if it is another one by now, or not in the cloud, or out of reach. */
export async function digestsOf(
  { catalog, store }: Sources,
  { id, version }: Pick<Attr, 'id' | 'version'>,
  context: Context,
): Promise<DigestList | undefined> {
  const entry = catalog.get(id);
  if (entry?.version !== version || entry.hash === undefined || entry.remote === undefined) return undefined;
  const content = { hash: entry.hash, size: entry.size, version: entry.remote };
  const digests = await store.manifest(content, context).catch(() => undefined);
  return catalog.get(id)?.version === version ? digests : undefined;
}
