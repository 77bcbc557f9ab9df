import type { NewBlock, ReceivedFiles } from '../new-files.ts';
import { Refusal } from '../refusal.ts';
import type { Caller } from './caller.ts';
import { inChunks } from './chunks.ts';
import { Inserter } from './inserter.ts';
import { packPosix } from './posix.ts';
import type { Database, Db, NodeRow, SpaceRow, VersionRow } from './schema.ts';
import { newRow, type Transaction } from './transaction.ts';
import { packXattrs } from './xattrs.ts';

export interface ReferredBlocks {
  readonly blocks: readonly NewBlock[];
  readonly now: number;
  /** The generation of rows that are new or revived. */
  readonly id: string;
}

/** Writes the rows of many new files by few statements that look nothing up: a row that is there already shows in the counts. */
export class NewRows {
  readonly #blocks = leavingOthers('blocks');
  readonly #nodes = leavingOthers('nodes');
  readonly #versions = leavingOthers('versions');

  /**
   * Adds references to blocks whose bytes have just been stored, whether they had rows or not. Resolves to the bytes of those that
   * no version contained before.
   */
  async blocks(db: Db, { account, device }: Caller, { blocks, now: touched, id }: ReferredBlocks): Promise<number> {
    const common = { account, state: 'stored', touched, awaited: null, generation: id } as const;
    const rows = blocks.map(({ digest, data, refs }) => ({ digest, size: data.length, refs, ...common }));
    const bytes = blocks.reduce((sum, { data }) => sum + data.length, 0);
    if ((await this.#blocks.insert(db, rows)) === rows.length) return bytes;
    let more = bytes;
    for (const chunk of inChunks(blocks)) {
      const known = await db
        .selectFrom('blocks')
        .select(['digest', 'size', 'refs'])
        .where('account', '=', account)
        .where(
          'digest',
          'in',
          chunk.map(({ digest }) => digest),
        )
        .where('generation', '!=', id)
        .execute();
      for (const { size, refs } of known) if (refs > 0) more -= size;
      const counts = new Map(chunk.map(({ digest, refs }) => [digest, refs]));
      for (const { digest } of known) {
        await refer(db, { account, device }, { digest, count: counts.get(digest) ?? 0, touched, id });
      }
    }
    return more;
  }

  /** @throws exists if a name or an id is taken */
  async files(transaction: Transaction, space: SpaceRow, received: ReceivedFiles): Promise<void> {
    const { nodes, versions } = rowsOf(transaction, space, received);
    const db = await transaction.connection();
    const made = await this.#nodes.insert(db, nodes);
    const added = made === nodes.length ? await this.#versions.insert(db, versions) : 0;
    if (added !== nodes.length) throw new Refusal('exists', 'another node or version has one of the names or ids');
    transaction.count(
      space,
      nodes.reduce((sum, { size }) => sum + size, 0),
      nodes.length,
    );
  }
}

function leavingOthers<Table extends keyof Database>(table: Table): Inserter<Table> {
  return new Inserter(table, (insert) => insert.onConflict((conflict) => conflict.doNothing()));
}

/** One more use of a block that has a row: whatever its state was, its bytes are there now. */
async function refer(
  db: Db,
  { account, device }: Caller,
  { digest, count, touched, id }: { digest: string; count: number; touched: number; id: string },
): Promise<void> {
  await db
    .updateTable('blocks')
    .set((eb) => ({
      refs: eb('refs', '+', count),
      touched,
      awaited: eb.fn<string | null>('nullif', ['awaited', eb.cast(eb.val(device), 'text')]),
      // An upload of the same bytes that is under way finds its row under its own claim.
      generation: eb.case().when('state', 'in', ['condemned', 'damaged']).then(id).else(eb.ref('generation')).end(),
      state: 'stored' as const,
    }))
    .where('account', '=', account)
    .where('digest', '=', digest)
    .execute();
}

function rowsOf(
  transaction: Transaction,
  space: SpaceRow,
  { files, manifests, hashes }: ReceivedFiles,
): { nodes: NodeRow[]; versions: VersionRow[] } {
  const { now: ctime, caller } = transaction;
  const { device } = caller;
  const nodes: NodeRow[] = [];
  const versions: VersionRow[] = [];
  for (const [i, id] of files.node.entries()) {
    const [size, mtime, hash] = [files.size[i] ?? 0, files.mtime[i] ?? 0, hashes[i] ?? ''];
    const version = files.version[i] ?? '';
    const node = {
      id,
      space: space.id,
      parent: files.folders[files.folder[i] ?? 0] ?? '',
      name: files.name[i] ?? '',
      kind: 'file' as const,
      mode: files.mode[i] ?? 0,
      mtime,
      birthtime: files.birthtime[i] ?? 0,
      size,
      version,
      hash,
      target: null,
      xattrs: packXattrs(files.xattrs[i]),
      posix: packPosix(files.posix[i]),
    };
    const row = newRow(node, { rev: transaction.nextRev(space), ctime, device });
    nodes.push(row);
    versions.push({
      id: version,
      node: id,
      rank: row.rev,
      size,
      hash,
      mtime,
      created: ctime,
      since: ctime,
      until: null,
      device,
      manifest: manifests[i] ?? new Uint8Array(0),
    });
  }
  return { nodes, versions };
}
