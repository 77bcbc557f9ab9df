import { listDamaged } from '../../src/cloud/server/meta/damaged-blocks.ts';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dialect } from 'kysely';
import { BlockReader } from '../../src/cloud/server/blocks/block-reader.ts';
import { BlockCarrier } from '../../src/cloud/server/blocks/carrier.ts';
import { Arrivals } from '../../src/cloud/server/blocks/arrivals.ts';
import { Uploads } from '../../src/cloud/server/blocks/uploads.ts';
import type { Block, BlockStore } from '../../src/cloud/server/blocks/block-store.ts';
import { digestOf } from '../../src/cloud/server/digests.ts';
import { feed, snapshot } from '../../src/cloud/server/feed.ts';
import { FileMaker } from '../../src/cloud/server/file-maker.ts';
import { executeIntents } from '../../src/cloud/server/intents/batch.ts';
import { acceptBlocks, presentBlocks } from '../../src/cloud/server/blocks/shared-blocks.ts';
import { accept, share } from '../../src/cloud/server/meta/shares.ts';
import { issueToken } from '../../src/cloud/server/meta/devices.ts';
import { manifestOf } from '../../src/cloud/server/meta/manifest.ts';
import { MetaStore } from '../../src/cloud/server/meta/meta-store.ts';
import { pastOf } from '../../src/cloud/server/meta/past.ts';
import { versionRecord } from '../../src/cloud/server/meta/records.ts';
import { findSpace, insertSpace, listSpaces } from '../../src/cloud/server/meta/spaces.ts';
import { listTrash, restoreNode } from '../../src/cloud/server/meta/trash.ts';
import { usageOf } from '../../src/cloud/server/meta/usage.ts';
import { sqliteDialect, sqliteTypes } from '../../src/cloud/server/meta/sqlite.ts';
import { readableVersion, versionsOf } from '../../src/cloud/server/meta/versions.ts';
import { PushHub } from '../../src/cloud/server/push.ts';
import { Refusal } from '../../src/cloud/server/refusal.ts';
import { fsCodeOf } from '../../src/cloud/errors.ts';
import type { MadeFiles } from '../../src/cloud/new-files.ts';
import type { BlockRequest, ReadBlock, Remote, UploadBlock } from '../../src/cloud/remote.ts';
import type {
  Cursor,
  DeviceRecord,
  Intent,
  IntentResult,
  Mark,
  NodePast,
  NodeRecord,
  Push,
  Rewound,
  SpaceDigest,
} from '../../src/cloud/records.ts';
import type { Context } from '../../src/vfs/context.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import { newId } from '../../src/vfs/ids.ts';

/** The core of the service without HTTP: the same metadata, intents, feed and push, and blocks in memory. */
export class DirectCloud {
  meta: MetaStore;
  readonly hub: PushHub;
  readonly blocks = new MemoryBlocks();
  reader: BlockReader;
  uploads: Uploads;
  fileMaker: FileMaker;
  readonly #dir: string;
  readonly account = newId(Date.now());
  /** The received calls, by their names. */
  readonly calls: string[] = [];
  /** Called before each call and, with `answer: true`, after it; it can throw to make the call fail. */
  disturb: (call: string, answer: boolean) => void | Promise<void> = () => undefined;

  /** Selects commits that are refused as a whole. */
  refuse: (intents: readonly Intent[]) => boolean = () => false;

  readonly #now: () => number;

  private constructor(dir: string, meta: MetaStore, hub: PushHub, now: () => number) {
    this.#dir = dir;
    this.#now = now;
    this.meta = meta;
    this.hub = hub;
    this.reader = new BlockReader({ db: meta.db, store: this.blocks, log: { error: () => undefined } });
    this.uploads = new Uploads({ db: meta.db, store: this.blocks, reader: this.reader, now });
    this.fileMaker = new FileMaker({ meta, store: this.blocks, arrivals: new Arrivals() });
  }

  /** @param where folder of its database, or `:memory:`, or an empty database */
  static async open(where: string | Dialect, now: () => number = Date.now): Promise<DirectCloud> {
    const hub = new PushHub();
    const meta = await openMeta(where, hub, now);
    const cloud = new DirectCloud(typeof where === 'string' ? where : ':memory:', meta, hub, now);
    await cloud.open('a@b', cloud.account);
    return cloud;
  }

  /** Makes another account; resolves to its id. */
  async open(email: string, id = newId(Date.now())): Promise<string> {
    const { db } = this.meta;
    const row = { id, email, password: '', quota: 2 ** 40, used: 0, created: Date.now() };
    await db.insertInto('accounts').values(row).execute();
    for (const kind of ['sync', 'archive'] as const) {
      await insertSpace(db, { account: id, kind, name: kind, device: '' }, Date.now());
    }
    return id;
  }

  /** The cloud as seen by a new device. */
  async device(name: string, account = this.account): Promise<DirectRemote> {
    const { row } = await issueToken(this.meta.db, account, { name, platform: 'test' }, Date.now());
    const self = { id: row.id, name, platform: 'test', created: 0, seen: 0, current: true };
    return new DirectRemote(this, self, account);
  }

  /** The first account shares a folder with another one, which accepts. @throws Refusal */
  async share(folder: string, guest: { readonly account: string; readonly email: string }): Promise<void> {
    const owner = { account: this.account, device: '' };
    const { space } = await this.meta.transaction(owner, (edit) => share(edit, folder, guest.email, 'editor'));
    await this.meta.transaction({ account: guest.account, device: '' }, (edit) => accept(edit, space));
  }

  /** Restores what was put into the Trash last, if there is something that can be. */
  async restoreNewest(device: string, account = this.account): Promise<void> {
    for await (const [newest] of listTrash(this.meta.db, account)) {
      if (newest === undefined) return;
      await this.meta.transaction({ account, device }, (edit) => restoreNode(edit, newest.node.id));
      return;
    }
  }

  /** Copies the metadata as they are. */
  async save(copy: string): Promise<void> {
    await this.#restart(() => copyFile(join(this.#dir, 'cloud.db'), copy));
  }

  /** Replaces the metadata by a copy, so that the cloud goes back in time. */
  async restore(copy: string): Promise<void> {
    await this.#restart(() => copyFile(copy, join(this.#dir, 'cloud.db')));
  }

  async close(): Promise<void> {
    this.hub.end();
    await this.meta.close();
  }

  async #restart(meanwhile: () => Promise<void>): Promise<void> {
    this.hub.end();
    await this.meta.close();
    await meanwhile();
    this.meta = await openMeta(this.#dir, this.hub, this.#now);
    this.reader = new BlockReader({ db: this.meta.db, store: this.blocks, log: { error: () => undefined } });
    this.uploads = new Uploads({ db: this.meta.db, store: this.blocks, reader: this.reader, now: Date.now });
    this.fileMaker = new FileMaker({ meta: this.meta, store: this.blocks, arrivals: new Arrivals() });
  }
}

async function openMeta(where: string | Dialect, hub: PushHub, now: () => number): Promise<MetaStore> {
  return await MetaStore.open({
    dialect: typeof where === 'string' ? sqliteDialect(where === ':memory:' ? where : join(where, 'cloud.db')) : where,
    types: sqliteTypes,
    now,
    moved: (account, space, rev) => hub.publish(account, { type: 'space', space, rev }),
    relisted: (account) => hub.publish(account, { type: 'spaces' }),
  });
}

class MemoryBlocks implements BlockStore {
  readonly #blocks = new Map<string, Uint8Array>();

  async put(account: string, blocks: readonly Block[]): Promise<void> {
    for (const { digest, data } of blocks) this.#blocks.set(`${account}/${digest}`, Buffer.from(data));
  }

  async get(account: string, digest: string): Promise<Uint8Array | undefined> {
    return this.#blocks.get(`${account}/${digest}`);
  }

  async remove(account: string, digest: string): Promise<void> {
    this.#blocks.delete(`${account}/${digest}`);
  }

  async *list(account: string): AsyncGenerator<string> {
    const prefix = `${account}/`;
    for (const key of this.#blocks.keys()) if (key.startsWith(prefix)) yield key.slice(prefix.length);
  }
}

const unused = async (): Promise<never> => {
  throw new FsError('ENOTSUP', 'test');
};

export class DirectRemote implements Remote {
  readonly cloud: DirectCloud;
  readonly self: DeviceRecord;
  /** Makes every call fail, as without a network. */
  offline = false;

  readonly account: string;

  constructor(cloud: DirectCloud, self: DeviceRecord, account = cloud.account) {
    this.cloud = cloud;
    this.self = self;
    this.account = account;
  }

  get #caller() {
    return { account: this.account, device: this.self.id };
  }

  device = (context: Context): Promise<DeviceRecord> => this.#call('device', context, async () => this.self);

  spaces = (context: Context) => this.#call('spaces', context, () => listSpaces(this.cloud.meta.db, this.#caller));

  snapshot(
    space: string,
    context: Context,
    marks: readonly Mark[] = [],
    buckets?: readonly number[],
  ): AsyncGenerator<NodeRecord | Cursor | Rewound> {
    const wanted = buckets === undefined ? undefined : new Set(buckets);
    return this.#stream('snapshot', context, async () =>
      snapshot(this.cloud.meta.db, await findSpace(this.cloud.meta.db, this.account, space), marks, wanted),
    );
  }

  digest = (space: string, context: Context): Promise<SpaceDigest> =>
    this.#call('digest', context, () => digestOf(this.cloud.meta.db, space));

  feed(
    space: string,
    since: number,
    context: Context,
    marks: readonly Mark[] = [],
  ): AsyncGenerator<NodeRecord | Cursor> {
    return this.#stream('feed', context, async () => {
      const { db } = this.cloud.meta;
      const spaces = new Set((await listSpaces(db, this.#caller)).map(({ id }) => id));
      return feed(db, await findSpace(db, this.account, space), since, marks, spaces);
    });
  }

  async *push({ signal }: Context): AsyncGenerator<Push> {
    this.#check(signal);
    const queue: Push[] = [{ type: 'alive' }];
    let wake = (): void => undefined;
    let ended = false;
    const end = (): void => {
      ended = true;
      wake();
    };
    const notify = (event: Push): void => {
      queue.push(event);
      wake();
    };
    const stop = this.cloud.hub.subscribe(this.account, this.self.id, { notify, end });
    signal.addEventListener('abort', end, { once: true });
    try {
      for (;;) {
        for (let event = queue.shift(); event !== undefined; event = queue.shift()) yield event;
        if (ended || this.offline) throw new FsError('EAGAIN', 'push');
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      stop();
    }
  }

  missing = (digests: readonly string[], context: Context, space?: string): Promise<string[]> =>
    this.#call('missing', context, async () => {
      const present = await presentBlocks(this.cloud.meta.db, this.#caller, space, digests, this.cloud.meta.now());
      return digests.filter((digest) => !present.has(digest));
    });

  damaged = (context: Context): Promise<string[]> =>
    this.#call('damaged', context, () => listDamaged(this.cloud.meta.db, this.account, 1000));

  upload = (blocks: readonly UploadBlock[], context: Context, space?: string): Promise<void> =>
    this.#call('upload', context, async () => {
      const stream = (async function* stream() {
        yield* blocks;
      })();
      const { meta, uploads } = this.cloud;
      await acceptBlocks({ db: meta.db, uploads, now: meta.now }, this.#caller, space, stream);
    });

  async *read(requests: readonly BlockRequest[], context: Context): AsyncGenerator<ReadBlock> {
    for (const { version, index } of requests) {
      yield await this.#call('read', context, async () => {
        const { manifest, size, account } = await readableVersion(this.cloud.meta.db, this.account, version);
        const digest = Buffer.from(manifestOf(manifest, size).at(index)).toString('hex');
        return { version, index, digest, data: await this.cloud.reader.read(account, digest) };
      });
    }
  }

  manifest = (version: string, context: Context): Promise<Uint8Array> =>
    this.#call('manifest', context, async () => {
      return (await readableVersion(this.cloud.meta.db, this.account, version)).manifest;
    });

  commit = (intents: readonly Intent[], context: Context): Promise<IntentResult[]> =>
    this.#call('commit', context, async () => {
      if (this.cloud.refuse(intents)) throw new FsError('EINVAL', 'commit', { reason: 'refused as a whole' });
      const { meta, reader, uploads } = this.cloud;
      const carrier = new BlockCarrier({ db: meta.db, reader, uploads, now: meta.now });
      await carrier.carryFor(this.#caller, intents);
      return await executeIntents(this.cloud.meta, this.#caller, JSON.parse(JSON.stringify(intents)) as Intent[]);
    });

  makeFiles = (body: Uint8Array, context: Context): Promise<MadeFiles> =>
    this.#call('makeFiles', context, () => this.cloud.fileMaker.make(this.#caller, body));

  versions = (node: string, context: Context) =>
    this.#call('versions', context, async () => {
      const rows = await versionsOf(this.cloud.meta.db, node);
      return rows.map((row, i) => versionRecord(row, i === 0));
    });

  usage = (context: Context) => this.#call('usage', context, () => usageOf(this.cloud.meta.db, this.account));

  openBackup = unused;
  setAttributes = unused;
  removeSpace = unused;
  restoreVersion = unused;
  restoreTrash = unused;
  purgeTrash = unused;
  removeArchived = unused;

  past(space: string, context: Context): AsyncGenerator<NodePast> {
    return this.#stream('past', context, async () =>
      pastOf(this.cloud.meta.db, await findSpace(this.cloud.meta.db, this.account, space)),
    );
  }

  async *trash(): AsyncGenerator<never> {}

  renew(): void {}

  async close(): Promise<void> {}

  async #call<T>(name: string, { signal }: Context, work: () => Promise<T>): Promise<T> {
    this.#check(signal);
    this.cloud.calls.push(name);
    await this.cloud.disturb(name, false);
    this.#check(signal);
    const answer = await work().catch((error: unknown) => {
      if (error instanceof Refusal) throw new FsError(fsCodeOf(error.code), name, { reason: error.message });
      throw error;
    });
    await this.cloud.disturb(name, true);
    this.#check(signal);
    return answer;
  }

  async *#stream<Item>(
    name: string,
    context: Context,
    open: () => Promise<AsyncGenerator<Item[]>>,
  ): AsyncGenerator<Item> {
    const pages = await this.#call(name, context, open);
    try {
      for await (const page of pages) yield* page;
    } catch (error) {
      if (error instanceof Refusal) throw new FsError(fsCodeOf(error.code), name, { reason: error.message });
      throw error;
    }
  }

  #check(signal: AbortSignal): void {
    if (signal.aborted) throw new FsError('EINTR', 'test');
    if (this.offline) throw new FsError('EAGAIN', 'test', { reason: 'no network' });
  }
}
