import { createHash } from 'node:crypto';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import { DigestList } from '../../vfs/digest-list.ts';
import { newId } from '../../vfs/ids.ts';
import { NAME_MAX } from '../../vfs/name.ts';
import type { Block } from './blocks/block-store.ts';
import type { Uploads } from './blocks/uploads.ts';
import { put } from './intents/put.ts';
import type { Transaction } from './meta/transaction.ts';
import { checkStillTaking, noLink, type LinkTarget } from './meta/links.ts';
import type { MetaStore } from './meta/meta-store.ts';
import { fitName, numbered } from './meta/names.ts';
import { Refusal } from './refusal.ts';
import { harmless } from './zip/names.ts';

/** Bytes of one file that a link takes: 10 GiB. */
export const LINK_FILE_MAX = 10 * 2 ** 30;
/** Files received at the same time: each holds up to 16 MiB. */
const MOST = 16;
/** Of which one link may have so many. */
const MOST_OF_LINK = 4;

export interface LinkUploadsOptions {
  readonly meta: MetaStore;
  readonly uploads: Uploads;
}

/** Takes files from people without an account into linked folders. */
export class LinkUploads {
  readonly #options: LinkUploadsOptions;
  /** Ids of the links of uploads in progress, once for each. */
  readonly #underWay: string[] = [];

  constructor(options: LinkUploadsOptions) {
    this.#options = options;
  }

  /**
   * Adds a file to the folder of a link, under its name or, if that is in use, with a number. Counted to the owner of the folder.
   * @throws quota_exceeded, too_large, unavailable, not_found, what the stream throws
   */
  async receive(target: LinkTarget, name: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const { id } = target.link;
    const mine = this.#underWay.filter((other) => other === id).length;
    if (this.#underWay.length >= MOST || mine >= MOST_OF_LINK)
      throw new Refusal('unavailable', 'too many uploads at the same time; try again in a moment', { retryAfter: 5 });
    this.#underWay.push(id);
    try {
      await this.#receive(target, nameFor(name), bytes);
    } finally {
      this.#underWay.splice(this.#underWay.indexOf(id), 1);
    }
  }

  async #receive(target: LinkTarget, name: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const { meta, uploads } = this.#options;
    const caller = { account: target.link.account, device: null };
    const cut = new Cut(bytes, await roomOf(meta, caller.account));
    await uploads.accept(caller, cut.blocks());
    await meta.transaction(caller, async (transaction) => {
      await checkStillTaking(await transaction.connection(), target.link, transaction.now);
      await add(transaction, target, name, cut);
    });
  }
}

async function add(
  transaction: Transaction,
  { folder }: LinkTarget,
  name: string,
  { size, digests }: Cut,
): Promise<void> {
  if (folder === undefined) throw noLink();
  const space = await transaction.space(folder.space);
  let free = name;
  for (let number = 2; (await transaction.child(folder.id, free)) !== undefined; number += 1)
    free = numbered(name, number);
  const list = DigestList.ofRuns(digests.map((digest, index) => ({ digest, end: index + 1 })));
  const blocks = Buffer.from(list.toBytes()).toString('base64');
  const ids = { id: newId(transaction.now), node: newId(transaction.now), version: newId(transaction.now) };
  const place = { space: space.id, parent: folder.id, name: free };
  const times = { mtime: transaction.now, birthtime: transaction.now };
  await put(transaction, space, {
    op: 'put',
    ...ids,
    ...place,
    mode: 0o644,
    ...times,
    base: null,
    content: { size, blocks },
  });
}

/** Content of unknown length, cut into blocks as it arrives, up to what there is room for. */
class Cut {
  size = 0;
  readonly digests: Buffer[] = [];
  readonly #bytes: AsyncIterable<Uint8Array>;
  readonly #room: number;

  constructor(bytes: AsyncIterable<Uint8Array>, room: number) {
    this.#bytes = bytes;
    this.#room = room;
  }

  /** @throws quota_exceeded, too_large */
  async *blocks(): AsyncGenerator<Block> {
    let data = Buffer.allocUnsafe(BLOCK_SIZE);
    let used = 0;
    for await (const part of this.#bytes) {
      this.size += part.length;
      if (this.size > LINK_FILE_MAX) throw new Refusal('too_large', 'a file may have at most 10 GiB here');
      if (this.size > this.#room) throw new Refusal('quota_exceeded', 'there is no room for this file');
      for (let from = 0; from < part.length;) {
        const copied = Buffer.from(part.buffer, part.byteOffset, part.length).copy(data, used, from);
        from += copied;
        used += copied;
        if (used < BLOCK_SIZE) continue;
        yield this.#block(data);
        data = Buffer.allocUnsafe(BLOCK_SIZE);
        used = 0;
      }
    }
    if (used > 0) yield this.#block(data.subarray(0, used));
  }

  #block(data: Buffer): Block {
    const digest = createHash('sha256').update(data).digest();
    this.digests.push(digest);
    return { digest: digest.toString('hex'), data };
  }
}

/** Blocks that no file contains yet do not count as used, so the whole of a file is compared with the room before it. */
async function roomOf({ db }: MetaStore, account: string): Promise<number> {
  const query = db.selectFrom('accounts').select(['quota', 'used']).where('id', '=', account);
  const { quota, used } = await query.executeTakeFirstOrThrow();
  return quota - used;
}

/** The last part of what a browser or program calls the file, as a name that does no harm anywhere. */
function nameFor(name: string): string {
  const last = name.split(/[/\\]/).findLast((part) => part !== '') ?? '';
  const text = harmless(last);
  return text === '' ? 'file' : fitName(text, NAME_MAX);
}
