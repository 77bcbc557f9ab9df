import { BLOCK_SIZE } from '../../../vfs/block.ts';
import { DigestList } from '../../../vfs/digest-list.ts';
import { isAccessible } from '../meta/access.ts';
import { manifestOf } from '../meta/manifest.ts';
import { contentsOf, lackedBlocks } from '../meta/moved-versions.ts';
import { subtree } from '../meta/relabel.ts';
import type { Db } from '../meta/schema.ts';
import { countBlocks, knownBlocks } from '../meta/space-blocks.ts';
import { storedBlocks } from '../meta/stored-blocks.ts';
import { readableVersion } from '../meta/versions.ts';
import { Refusal } from '../refusal.ts';
import type { Block } from './block-store.ts';
import type { BlockReader } from './block-reader.ts';
import type { Uploads } from './uploads.ts';

export interface BlockCarrierOptions {
  readonly db: Db;
  readonly reader: BlockReader;
  readonly uploads: Uploads;
  readonly now: () => number;
}

interface DeviceCaller {
  readonly account: string;
  readonly device: string;
}

/** A space that the caller may write to. */
interface Writable {
  readonly id: string;
  /** Which stores its blocks. */
  readonly account: string;
}

/** What of an intent matters here; it has not been checked. */
interface Claim {
  readonly op?: unknown;
  readonly space?: unknown;
  readonly targetSpace?: unknown;
  readonly node?: unknown;
  readonly content?: { readonly from?: unknown; readonly size?: unknown; readonly blocks?: unknown };
}

/**
 * Copies the blocks of intents that bring content from one account to another: moves into, out of and between shared folders,
 * copies by reference, and new content of which the caller has blocks elsewhere. It runs before their transaction, which
 * refuses what could not be brought over. Nothing is copied that the caller may not read, or to where it may not write.
 */
export class BlockCarrier {
  readonly #options: BlockCarrierOptions;

  constructor(options: BlockCarrierOptions) {
    this.#options = options;
  }

  async carryFor(caller: DeviceCaller, intents: readonly object[]): Promise<void> {
    const claims = intents.filter(
      (intent: Claim) => intent.op === 'put' || intent.targetSpace !== undefined,
    ) as Claim[];
    if (claims.length === 0) return;
    const spaces = await this.#writable(caller, claims);
    for (const claim of claims) {
      try {
        await this.#carry(caller, claim, spaces);
      } catch (error) {
        // The transaction finds blocks missing, or no room for them, and says so.
        if (!(error instanceof Refusal)) throw error;
      }
    }
  }

  async #carry(caller: DeviceCaller, claim: Claim, spaces: ReadonlyMap<unknown, Writable>): Promise<void> {
    const { op, content, node } = claim;
    const from = spaces.get(claim.space);
    const to = spaces.get(claim.targetSpace ?? claim.space);
    if (from === undefined || to === undefined) return;
    if (op === 'move') {
      if (from.account !== to.account && typeof node === 'string') await this.#carryTree(caller, node, from, to);
    } else if (typeof content?.from === 'string') await this.#carryVersion(caller, content.from, to);
    else if (to.account !== caller.account) await this.#carryOwn(caller, content, to);
  }

  async #carryTree(caller: DeviceCaller, top: string, from: Writable, to: Writable): Promise<void> {
    const { db } = this.#options;
    const row = await db.selectFrom('nodes').select(['id', 'kind', 'space']).where('id', '=', top).executeTakeFirst();
    if (row?.space !== from.id) return;
    const all = row.kind === 'folder' ? await subtree(db, top, { removed: false }) : [row];
    const files = all.filter(({ kind }) => kind === 'file').map(({ id }) => id);
    for await (const { digests } of contentsOf(db, files)) await this.#copy(caller, from.account, to, digests);
  }

  async #carryVersion(caller: DeviceCaller, version: string, to: Writable): Promise<void> {
    const { account, manifest, size } = await readableVersion(this.#options.db, caller.account, version);
    if (account !== to.account) await this.#copy(caller, account, to, manifestOf(manifest, size).distinct());
  }

  /** Blocks of the caller's own that the space does not know: they need not be sent. */
  async #carryOwn(caller: DeviceCaller, content: Claim['content'], to: Writable): Promise<void> {
    const { db } = this.#options;
    const { size, blocks } = content ?? {};
    if (typeof size !== 'number' || typeof blocks !== 'string') return;
    const digests = DigestList.from(Buffer.from(blocks, 'base64'), Math.ceil(size / BLOCK_SIZE))?.distinct() ?? [];
    const known = await knownBlocks(db, to.id, digests);
    const unknown = digests.filter((digest) => !known.has(digest));
    const own = await storedBlocks(db, caller.account, unknown);
    await this.#copy(caller, caller.account, to, [...own.keys()]);
  }

  async #copy(caller: DeviceCaller, from: string, to: Writable, digests: readonly string[]): Promise<void> {
    if (digests.length === 0) return;
    const { db, uploads, now } = this.#options;
    const lacked = await lackedBlocks(db, to.account, digests);
    await uploads.accept({ account: to.account, device: caller.device }, this.#read(from, lacked));
    if (to.account !== caller.account) await countBlocks(db, to.id, digests, 0, now());
  }

  async *#read(account: string, digests: readonly string[]): AsyncGenerator<Block> {
    for (const digest of digests) yield { digest, data: await this.#options.reader.read(account, digest) };
  }

  async #writable(caller: DeviceCaller, claims: readonly Claim[]): Promise<Map<unknown, Writable>> {
    const ids = claims.flatMap(({ space, targetSpace }) => [space, targetSpace]).filter((id) => typeof id === 'string');
    if (ids.length === 0) return new Map();
    const rows = await this.#options.db
      .selectFrom('spaces')
      .leftJoin('members', (join) =>
        join.onRef('members.space', '=', 'spaces.id').on('members.account', '=', caller.account),
      )
      .select(['spaces.id', 'spaces.account', 'members.role'])
      .where('spaces.id', 'in', [...new Set(ids)])
      .where('spaces.removed', 'is', null)
      .where((eb) => isAccessible(eb, caller.account))
      .execute();
    return new Map(rows.filter(({ role }) => role !== 'viewer').map((row) => [row.id, row]));
  }
}
