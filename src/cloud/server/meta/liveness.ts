import type { Db, NodeRow, SpaceRow } from './schema.ts';

type Step = Pick<NodeRow, 'id' | 'parent' | 'removed'>;

/** The rows that have no removed folder above them. Walks up from all rows together, with one query per level. */
export async function alive(db: Db, space: SpaceRow, rows: readonly NodeRow[]): Promise<NodeRow[]> {
  const known = new Map<string, Step>(rows.map((row) => [row.id, row]));
  let wanted = unknown(rows, known, space.root);
  while (wanted.length > 0) {
    const found = await db.selectFrom('nodes').select(['id', 'parent', 'removed']).where('id', 'in', wanted).execute();
    for (const row of found) known.set(row.id, row);
    wanted = unknown(found, known, space.root);
  }
  const live = new Map<string, boolean>([[space.root, true]]);
  return rows.filter((row) => isLive(row.id, known, live));
}

function unknown(steps: readonly Step[], known: ReadonlyMap<string, Step>, root: string): string[] {
  const parents = steps.filter(({ removed }) => removed === null).map(({ parent }) => parent);
  return [...new Set(parents)].filter((id) => id !== root && !known.has(id));
}

function isLive(id: string, known: ReadonlyMap<string, Step>, live: Map<string, boolean>): boolean {
  const path: string[] = [];
  let at = id;
  while (!live.has(at)) {
    path.push(at);
    const step = known.get(at);
    if (step === undefined || step.removed !== null) live.set(at, false);
    else at = step.parent;
  }
  const isLive = live.get(at) ?? false;
  for (const passed of path) live.set(passed, isLive);
  return isLive;
}
