import { randomUUID } from 'node:crypto';
import type { MadeFiles } from '../new-files.ts';
import type { Arrivals } from './blocks/arrivals.ts';
import type { BlockStore } from './blocks/block-store.ts';
import type { DeviceCaller } from './http/auth.ts';
import { abandonArrivals, endArrival, recordArrival } from './meta/arrivals.ts';
import { inChunks } from './meta/chunks.ts';
import type { MetaStore } from './meta/meta-store.ts';
import { NewRows } from './meta/new-rows.ts';
import { readOutcomes } from './meta/outcomes.ts';
import { mayAdd } from './meta/rights.ts';
import type { SpaceRow } from './meta/schema.ts';
import { liveFolder, type Transaction } from './meta/transaction.ts';
import { receiveFiles, type ReceivedFiles } from './new-files.ts';
import { Refusal } from './refusal.ts';

export interface FileMakerOptions {
  readonly meta: MetaStore;
  readonly store: BlockStore;
  readonly arrivals: Arrivals;
}

/**
 * Makes many new files with their contents at once: what `put` intents make after uploads, by a tenth of the statements. All are
 * made or none, and whatever is unusual is refused, so that the caller sends intents. Safe to call concurrently.
 *
 * The blocks get their rows together with the versions that contain them. Until then one row has all of them
 * (`meta/arrivals.ts`), and the collector leaves them alone (`Arrivals`).
 */
export class FileMaker {
  readonly #options: FileMakerOptions;
  readonly #rows = new NewRows();

  constructor(options: FileMakerOptions) {
    this.#options = options;
  }

  /**
   * @param body see `encodeNewFiles`
   * @throws bad_request, too_large, not_found, forbidden, gone, not_a_folder, exists, quota_exceeded, digest_mismatch
   */
  async make(caller: DeviceCaller, body: Uint8Array): Promise<MadeFiles> {
    const { meta, store, arrivals } = this.#options;
    const received = receiveFiles(body);
    const { account } = caller;
    const arrival = randomUUID();
    const end = arrivals.enter(
      account,
      received.blocks.map(({ digest }) => digest),
    );
    try {
      const known = await this.#announce(caller, received, arrival);
      if (known !== undefined) return known;
      try {
        await store.put(account, received.blocks);
        return await this.#commit(caller, received, arrival);
      } catch (error) {
        await abandonArrivals(meta.db, meta.now(), arrival);
        throw error;
      }
    } finally {
      end();
    }
  }

  /** Checks what can be refused before anything is stored. Resolves to what was made before under the same id. */
  async #announce(caller: DeviceCaller, received: ReceivedFiles, arrival: string): Promise<MadeFiles | undefined> {
    const { files, blocks } = received;
    return await this.#options.meta.transaction(caller, async (transaction) => {
      const known = await madeBefore(transaction, caller, received);
      if (known !== undefined) return known;
      const space = await ownSpace(transaction, files.space);
      // Those that are stored already need no room: who has so little left sends intents, which find that out.
      const bytes = blocks.reduce((sum, { data }) => sum + data.length, 0);
      if (bytes > (await transaction.room(space.account))) throw full();
      await recordArrival(await transaction.connection(), arrival, space.account, blocks);
      return undefined;
    });
  }

  async #commit(caller: DeviceCaller, received: ReceivedFiles, arrival: string): Promise<MadeFiles> {
    const { files } = received;
    return await this.#options.meta.transaction(caller, async (transaction) => {
      const db = await transaction.connection();
      await endArrival(db, arrival);
      // It may have been sent twice at the same time.
      const known = await madeBefore(transaction, caller, received);
      if (known !== undefined) throw new Refusal('unavailable', 'the same files were made meanwhile');
      const space = await ownSpace(transaction, files.space);
      await transaction.load(files.folders);
      for (const folder of files.folders) await liveFolder(transaction, space, folder);
      await checkNoRoots(transaction, files.node);
      const more = await this.#rows.blocks(db, caller, { blocks: received.blocks, now: transaction.now, id: arrival });
      if (more > (await transaction.room(space.account))) throw full();
      transaction.use(space.account, more);
      const rev = space.rev + 1;
      await this.#rows.files(transaction, space, received);
      const stamp = transaction.stampOf(space.id, rev) ?? '';
      const made = { id: files.id, rev, stamp };
      await transaction.remember([{ ...made, files: received.said }]);
      return made;
    });
  }
}

async function madeBefore(
  transaction: Transaction,
  { device }: DeviceCaller,
  { files: { id }, said }: ReceivedFiles,
): Promise<MadeFiles | undefined> {
  const outcome = (await readOutcomes(await transaction.connection(), device, [id])).get(id)?.outcome;
  if (outcome === undefined) return undefined;
  if (!('files' in outcome) || outcome.files !== said) {
    throw new Refusal('bad_request', 'something else was made under this id before');
  }
  return { id, rev: outcome.rev, stamp: outcome.stamp };
}

/** The blocks of shared folders are counted in another way, and those of other accounts must be proved to be there. */
async function ownSpace(transaction: Transaction, id: string): Promise<SpaceRow> {
  const space = await transaction.space(id);
  mayAdd(space, transaction);
  if (space.account !== transaction.caller.account || space.kind === 'shared') {
    throw new Refusal('bad_request', 'files of shared folders are made by intents');
  }
  return space;
}

/** Root folders have no row among the nodes, whose key finds all other ids that are taken. */
async function checkNoRoots(transaction: Transaction, ids: readonly string[]): Promise<void> {
  const db = await transaction.connection();
  for (const chunk of inChunks(ids)) {
    const root = await db.selectFrom('spaces').select('id').where('root', 'in', chunk).executeTakeFirst();
    if (root !== undefined) throw new Refusal('bad_request', 'a node with this id already exists');
  }
}

function full(): Refusal {
  return new Refusal('quota_exceeded', "the account's quota is used up");
}
