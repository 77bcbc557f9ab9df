import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { NodeRecord } from '../../records.ts';
import { Refusal } from '../refusal.ts';
import { locate } from '../meta/folders.ts';
import { findNode } from '../meta/history.ts';
import { contentEntries, treeEntries, type TreeOptions } from '../zip/tree-entries.ts';
import { zip, type Entry } from '../zip/zip.ts';
import { begun, sendBody } from './body.ts';
import { downloadHeaders } from './download-headers.ts';
import type { Parts } from './parts.ts';

/** Most nodes of one archive; an address has to fit into 16 KiB. */
const MOST = 300;
const Query = Type.Object({ nodes: Type.String({ minLength: 1, maxLength: MOST * 65 }) });

export function zipRoutes(app: FastifyInstance, { meta, reader }: Parts): void {
  app.get('/v1/zip', { schema: { querystring: Query } }, async ({ caller, query }, reply) => {
    const ids = [...new Set((query as Static<typeof Query>).nodes.split(','))];
    if (ids.length > MOST) throw new Refusal('bad_request', `an archive of at most ${MOST} nodes; take their folder`);
    const options = { db: meta.db, reader, account: caller.account, mounts: true };
    const { name, entries } = await selected(options, caller.device, ids);
    const body = await begun(zip(entries));
    reply.headers(downloadHeaders(`${name}.zip`)).type('application/zip');
    return sendBody(reply, body, (part) => reader.release(part));
  });
}

/** What is asked for, and what the archive is called. @throws not_found, gone */
async function selected(
  options: TreeOptions,
  device: string,
  ids: readonly string[],
): Promise<{ name: string; entries: AsyncGenerator<Entry> }> {
  const caller = { account: options.account, device };
  const places = [];
  for (const id of ids) places.push(await locate(options.db, caller, id));
  const [first] = places;
  const root = places.find(({ node }) => node === null)?.space;
  if (first === undefined || (root !== undefined && places.length > 1))
    throw new Refusal('bad_request', 'the root of a space is an archive of its own');
  if (root !== undefined)
    return { name: root.name, entries: contentEntries(options, { space: root.id, id: root.root }) };
  const rows = [];
  for (const id of ids) rows.push(await findNode(options.db, caller.account, id));
  const above = first.path.at(-2)?.name ?? first.space.name;
  return { name: ids.length === 1 ? nameOf(first.node) : above, entries: treeEntries(options, rows) };
}

function nameOf(node: NodeRecord | null): string {
  return node?.name ?? '';
}
