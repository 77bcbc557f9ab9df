import type { Intent, IntentOp, IntentResult } from '../../wire.ts';
import type { Caller, Edit } from '../meta/edit.ts';
import type { MetaStore } from '../meta/meta-store.ts';
import { nodeRecord } from '../meta/records.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import { Refusal } from '../refusal.ts';
import { attr } from './attr.ts';
import { make } from './make.ts';
import { move } from './move.ts';
import { parseIntent } from './parse.ts';
import { put } from './put.ts';
import { remove } from './remove.ts';

/** An intent as it came: only its id is known to be one. */
export interface RawIntent {
  readonly id: string;
}

/**
 * Executes intents in their order in one transaction. One that is refused has changed nothing, those after it are still
 * tried. An id that was executed before is not executed again: its outcome is answered again. A refusal is not
 * remembered, so that the same intent can succeed when its cause is gone (blocks uploaded, quota raised).
 */
export async function executeIntents(
  meta: MetaStore,
  caller: Caller & { readonly device: string },
  intents: readonly RawIntent[],
): Promise<IntentResult[]> {
  return await meta.edit(caller, async (edit) => {
    const done = await executed(edit, intents);
    await edit.load(mentioned(intents));
    const fresh = new Map<string, IntentResult>();
    const results: IntentResult[] = [];
    for (const raw of intents) {
      const known = done.get(raw.id) ?? fresh.get(raw.id);
      const result = known ?? (await execute(edit, raw));
      if (known === undefined && result.status === 'done') fresh.set(raw.id, result);
      results.push(result);
    }
    await remember(edit, [...fresh.values()]);
    return results;
  });
}

async function execute(edit: Edit, raw: RawIntent): Promise<IntentResult> {
  try {
    const intent = parseIntent(raw);
    const node = await dispatch(edit, await edit.space(intent.space), intent);
    return { id: raw.id, status: 'done', node: nodeRecord(node) };
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'internal') throw error;
    const { code, message, current } = error;
    return { id: raw.id, status: 'refused', code, message, ...(current === undefined ? {} : { current }) };
  }
}

type Execute<Op extends IntentOp> = (
  edit: Edit,
  space: SpaceRow,
  intent: Extract<Intent, { op: Op }>,
) => Promise<NodeRow>;

/** Every op checks all of its conditions before it changes anything. */
const OPS: Readonly<{ [Op in IntentOp]: Execute<Op> }> = { mkdir: make, symlink: make, put, move, attr, remove };

async function dispatch<Op extends IntentOp>(
  edit: Edit,
  space: SpaceRow,
  intent: Extract<Intent, { op: Op }>,
): Promise<NodeRow> {
  const execute: Execute<Op> = OPS[intent.op];
  return await execute(edit, space, intent);
}

async function executed(edit: Edit, intents: readonly RawIntent[]): Promise<Map<string, IntentResult>> {
  const rows = await edit.db
    .selectFrom('intents')
    .select(['id', 'result'])
    .where('device', '=', edit.caller.device ?? '')
    .where(
      'id',
      'in',
      intents.map(({ id }) => id),
    )
    .execute();
  return new Map(rows.map(({ id, result }) => [id, JSON.parse(result) as IntentResult]));
}

async function remember(edit: Edit, results: readonly IntentResult[]): Promise<void> {
  if (results.length === 0) return;
  const device = edit.caller.device ?? '';
  const rows = results.map((result) => ({ device, id: result.id, result: JSON.stringify(result), created: edit.now }));
  await edit.db.insertInto('intents').values(rows).execute();
}

function mentioned(intents: readonly RawIntent[]): string[] {
  const ids = intents.flatMap((intent) => {
    const { node, parent } = intent as { node?: unknown; parent?: unknown };
    return [node, parent].filter((id) => typeof id === 'string');
  });
  return [...new Set(ids)];
}
