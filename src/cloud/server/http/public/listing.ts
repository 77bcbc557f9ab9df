import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { LinkTarget } from '../../meta/links.ts';
import type { Db, NodeRow } from '../../meta/schema.ts';
import { childrenOf } from '../../meta/tree.ts';
import { noLink } from '../../meta/links.ts';
import { listingEnd, listingRow, listingStart } from './html.ts';

/** Rows that are sent together. */
const ROWS = 200;

/** Shows a linked folder, or one below it, as a page that is made while it is sent. */
export async function sendListing(
  db: Db,
  target: LinkTarget,
  node: NodeRow,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const parts = listing(db, target, node);
  // What fails before the first part is an ordinary error.
  const first = await parts.next();
  const page = async function* () {
    if (first.done !== true) yield first.value;
    yield* parts;
  };
  return reply.type('text/html; charset=utf-8').send(Readable.from(page()));
}

async function* listing(db: Db, { link, node: top, folder }: LinkTarget, node: NodeRow): AsyncGenerator<string> {
  if (folder === undefined) throw noLink();
  const isTop = node.id === top.id;
  const address = (id: string) => `/l/${link.token}/n/${id}`;
  const root = `/l/${link.token}`;
  const up = isTop ? undefined : node.parent === folder.id ? root : address(node.parent);
  let rows = listingStart({ name: node.name, zip: `${isTop ? root : address(node.id)}/zip`, up });
  let count = 0;
  for await (const child of childrenOf(db, link.account, folder.space, isTop ? folder.id : node.id)) {
    if (child.kind === 'symlink' || child.mount !== null) continue;
    rows += listingRow({ ...child, address: address(child.id) });
    count += 1;
    if (count % ROWS > 0) continue;
    yield rows;
    rows = '';
  }
  yield rows + listingEnd(count);
}
