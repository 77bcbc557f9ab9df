import { changedNodes } from './node-pages.ts';
import type { NodePast } from '../../records.ts';
import { nodeRecord } from './records.ts';
import type { Db, NodeRow, PlaceRow, SpaceRow, VersionRow } from './schema.ts';

/** Nodes read at once. */
const PAGE = 500;

type Version = Pick<VersionRow, 'id' | 'node' | 'size' | 'hash' | 'mtime' | 'since' | 'until'>;

/** Every node that the space remembers, also what is in the Trash or gone for good, with what it was and where. In pages. */
export async function* pastOf(db: Db, space: SpaceRow): AsyncGenerator<NodePast[]> {
  let after = 0;
  for (;;) {
    const rows = await changedNodes(db, space, after, PAGE);
    if (rows.length === 0) return;
    const ids = rows.map(({ id }) => id);
    const versions = grouped(await versionsOf(db, ids));
    const places = grouped(await placesOf(db, ids));
    yield rows.map((row) => record(row, versions.get(row.id) ?? [], places.get(row.id) ?? []));
    after = rows.at(-1)?.rev ?? after;
  }
}

async function versionsOf(db: Db, nodes: readonly string[]): Promise<Version[]> {
  return await db
    .selectFrom('versions')
    .select(['id', 'node', 'size', 'hash', 'mtime', 'since', 'until'])
    .where('node', 'in', nodes)
    .orderBy('rank')
    .execute();
}

async function placesOf(db: Db, nodes: readonly string[]): Promise<PlaceRow[]> {
  return await db.selectFrom('places').selectAll().where('node', 'in', nodes).orderBy('until').orderBy('rev').execute();
}

function grouped<T extends { readonly node: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.node);
    if (group) group.push(row);
    else groups.set(row.node, [row]);
  }
  return groups;
}

function record(row: NodeRow, versions: readonly Version[], places: readonly PlaceRow[]): NodePast {
  return {
    node: nodeRecord(row),
    ...(row.removed === null ? {} : { removed: row.removed }),
    ...(row.purged === 0 ? {} : { purged: true }),
    versions: versions.map(({ id, size, hash, mtime, since, until }, i) => {
      const end = until ?? versions[i + 1]?.since;
      return { id, size, hash, mtime, since, ...(end === undefined ? {} : { until: end }) };
    }),
    places: places.map(({ parent, name, until }) => ({ parent, name, until })),
  };
}
