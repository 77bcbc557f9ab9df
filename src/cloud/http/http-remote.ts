import { Type } from 'typebox';
import { BLOCK_SIZE, DIGEST_SIZE, MAX_SIZE } from '../../vfs/block.ts';
import type { Context } from '../../vfs/context.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { BodyMemory } from './body-memory.ts';
import { readBlocks, uploadBlocks } from './block-transfer.ts';
import { DownloadThread } from './download-thread.ts';
import { fullResults } from './brief-results.ts';
import { BrokenResponse } from './errors.ts';
import { FeedReader, type FeedItem, type SnapshotItem } from './feed.ts';
import { compile } from './compile.ts';
import { Http, type HttpOptions } from './http-client.ts';
import { checked } from './shape.ts';
import type { BlockMemory, BlockRequest, ReadBlock, Remote, UploadBlock } from '../remote.ts';
import type { Linking } from '../linking.ts';
import type { MadeFiles } from '../new-files.ts';
import type { Sharing } from '../sharing.ts';
import { readSse } from './sse.ts';
import {
  BriefResultsSchema,
  DeviceSchema,
  NodeSchema,
  PastSchema,
  PUSH_ALIVE,
  PushSchema,
  LinkSchema,
  MadeFilesSchema,
  ShareSchema,
  SpaceDigestSchema,
  SpaceSchema,
  TrashSchema,
  UsageSchema,
  VersionSchema,
} from './wire.ts';
import { MAX_DIGESTS, MAX_INTENTS } from '../limits.ts';
import type {
  Attributes,
  DeviceRecord,
  Intent,
  IntentResult,
  Mark,
  NodePast,
  NodeRecord,
  Push,
  ShareRecord,
  SpaceDigest,
  SpaceRecord,
  TrashRecord,
  Usage,
  VersionRecord,
  LinkRecord,
  NewLink,
} from '../records.ts';

const shapes = {
  device: compile(DeviceSchema),
  space: compile(SpaceSchema),
  spaces: compile(Type.Object({ spaces: Type.Array(SpaceSchema) })),
  digest: compile(SpaceDigestSchema),
  missing: compile(Type.Object({ missing: Type.String({ pattern: '^[A-Za-z0-9+/]*=*$' }) })),
  damaged: compile(Type.Object({ damaged: Type.String({ pattern: '^[A-Za-z0-9+/]*=*$' }) })),
  results: compile(BriefResultsSchema),
  made: compile(MadeFilesSchema),
  versions: compile(Type.Object({ versions: Type.Array(VersionSchema) })),
  node: compile(NodeSchema),
  past: compile(PastSchema),
  link: compile(LinkSchema),
  links: compile(Type.Object({ links: Type.Array(LinkSchema) })),
  share: compile(ShareSchema),
  shares: compile(Type.Object({ shares: Type.Array(ShareSchema) })),
  trash: compile(TrashSchema),
  usage: compile(UsageSchema),
  push: compile(PushSchema),
};

const LARGEST_MANIFEST = (MAX_SIZE / BLOCK_SIZE) * DIGEST_SIZE;

export interface HttpRemoteOptions extends HttpOptions {
  readonly token: string;
  /** Time without an event after which the push connection counts as dead, ms. */
  readonly pushSilence?: number;
}

/** The cloud over HTTP (`docs/api.md`). */
export class HttpRemote implements Remote, Sharing, Linking {
  readonly #http: Http;
  readonly #feeds: FeedReader;
  readonly #thread: DownloadThread;
  readonly #pushSilence: number;
  readonly #memory = new BodyMemory();

  /** Does not connect yet. @throws EINVAL for an address that cannot be used safely */
  constructor(options: HttpRemoteOptions) {
    this.#http = new Http(options);
    this.#thread = new DownloadThread(options);
    this.#feeds = new FeedReader(this.#http);
    this.#pushSilence = options.pushSilence ?? 3 * PUSH_ALIVE;
  }

  async device(context: Context): Promise<DeviceRecord> {
    return this.#http.json({ op: 'device', method: 'GET', path: '/v1/device' }, shapes.device, context);
  }

  async spaces(context: Context): Promise<SpaceRecord[]> {
    const { spaces } = await this.#http.json(
      { op: 'spaces', method: 'GET', path: '/v1/spaces' },
      shapes.spaces,
      context,
    );
    return spaces;
  }

  async openBackup(set: string, context: Context): Promise<SpaceRecord> {
    const json = { kind: 'backup', name: set };
    const call = { op: 'openBackup', subject: set, method: 'POST', path: '/v1/spaces', json } as const;
    return this.#http.json(call, shapes.space, context);
  }

  async setAttributes(space: string, attributes: Attributes, context: Context): Promise<SpaceRecord> {
    const path = `/v1/spaces/${seg(space)}/attributes`;
    const call = { op: 'setAttributes', subject: space, method: 'POST', path, json: attributes } as const;
    return this.#http.json(call, shapes.space, context);
  }

  async removeSpace(space: string, context: Context): Promise<void> {
    await this.#http.done(
      { op: 'removeSpace', subject: space, method: 'DELETE', path: `/v1/spaces/${seg(space)}` },
      context,
    );
  }

  snapshot(
    space: string,
    context: Context,
    marks?: readonly Mark[],
    buckets?: readonly number[],
  ): AsyncIterable<SnapshotItem> {
    return this.#feeds.snapshot(space, context, marks, buckets);
  }

  async digest(space: string, context: Context): Promise<SpaceDigest> {
    const call = { op: 'digest', subject: space, method: 'GET', path: `/v1/spaces/${seg(space)}/digest` } as const;
    return this.#http.json(call, shapes.digest, context);
  }

  feed(space: string, since: number, context: Context, marks?: readonly Mark[]): AsyncIterable<FeedItem> {
    return this.#feeds.feed(space, since, context, marks);
  }

  async *push(context: Context): AsyncGenerator<Push> {
    const call = { op: 'push', method: 'GET', path: '/v1/push', silence: this.#pushSilence } as const;
    try {
      const body = await this.#http.open(call, context);
      // A client that follows the cloud will read from it, and the thread takes longer to start than the first block to arrive.
      void this.#thread.start().catch(() => undefined);
      for await (const data of readSse(body)) yield pushOf(data);
      throw new BrokenResponse('the push connection ended', { temporary: true, code: 'EAGAIN' });
    } catch (error) {
      if (isSilence(error)) this.renew();
      throw this.#http.failure(error, call, context);
    }
  }

  async missing(digests: readonly string[], context: Context, space?: string): Promise<string[]> {
    const missing: string[] = [];
    for (let from = 0; from < digests.length; from += MAX_DIGESTS) {
      const json = { digests: Buffer.from(digests.slice(from, from + MAX_DIGESTS).join(''), 'hex').toString('base64') };
      const call = { op: 'missing', method: 'POST', path: `/v1/blocks/missing${forSpace(space)}`, json } as const;
      const response = await this.#http.json(call, shapes.missing, context);
      missing.push(...digestsOf(Buffer.from(response.missing, 'base64')));
    }
    return missing;
  }

  async damaged(context: Context): Promise<string[]> {
    const call = { op: 'damaged', method: 'GET', path: '/v1/blocks/damaged' } as const;
    const response = await this.#http.json(call, shapes.damaged, context);
    return digestsOf(Buffer.from(response.damaged, 'base64'));
  }

  async upload(blocks: readonly UploadBlock[], context: Context, space?: string): Promise<void> {
    await uploadBlocks({ http: this.#http, memory: this.#memory }, blocks, context, forSpace(space));
  }

  async shares(context: Context): Promise<ShareRecord[]> {
    const call = { op: 'shares', method: 'GET', path: '/v1/shares' } as const;
    return (await this.#http.json(call, shapes.shares, context)).shares;
  }

  async share(node: string, email: string, role: 'editor' | 'viewer', context: Context): Promise<ShareRecord> {
    const json = { node, email, role };
    return this.#http.json({ op: 'share', method: 'POST', path: '/v1/shares', json }, shapes.share, context);
  }

  async acceptShare(space: string, context: Context): Promise<ShareRecord> {
    const path = `/v1/shares/${seg(space)}/accept`;
    return this.#http.json({ op: 'accept', method: 'POST', path }, shapes.share, context);
  }

  async leaveShare(space: string, context: Context): Promise<void> {
    await this.#http.done({ op: 'leave', method: 'POST', path: `/v1/shares/${seg(space)}/leave` }, context);
  }

  async revokeShare(space: string, email: string, context: Context): Promise<void> {
    const path = `/v1/shares/${seg(space)}/revoke`;
    await this.#http.done({ op: 'revoke', subject: email, method: 'POST', path, json: { email } }, context);
  }

  async unshare(space: string, context: Context): Promise<void> {
    await this.#http.done({ op: 'unshare', method: 'DELETE', path: `/v1/shares/${seg(space)}` }, context);
  }

  async links(context: Context): Promise<LinkRecord[]> {
    const call = { op: 'links', method: 'GET', path: '/v1/links' } as const;
    return (await this.#http.json(call, shapes.links, context)).links;
  }

  async link(link: NewLink, context: Context): Promise<LinkRecord> {
    return this.#http.json({ op: 'link', method: 'POST', path: '/v1/links', json: link }, shapes.link, context);
  }

  async unlink(id: string, context: Context): Promise<void> {
    await this.#http.done({ op: 'unlink', method: 'DELETE', path: `/v1/links/${seg(id)}` }, context);
  }

  read(blocks: readonly BlockRequest[], context: Context, memory?: BlockMemory): AsyncIterable<ReadBlock> {
    return readBlocks({ http: this.#http, thread: this.#thread, memory }, blocks, context);
  }

  async manifest(version: string, context: Context): Promise<Uint8Array> {
    const path = `/v1/versions/${seg(version)}/blocks`;
    const call = { op: 'manifest', subject: version, method: 'GET', path } as const;
    return this.#http.bytes(call, LARGEST_MANIFEST, context);
  }

  async commit(intents: readonly Intent[], context: Context): Promise<IntentResult[]> {
    const results: IntentResult[] = [];
    for (let from = 0; from < intents.length; from += MAX_INTENTS) {
      const batch = intents.slice(from, from + MAX_INTENTS);
      const call = {
        op: 'commit',
        method: 'POST',
        path: '/v1/intents',
        json: { intents: batch, brief: true },
      } as const;
      const response = await this.#http.json(call, shapes.results, context);
      try {
        results.push(...fullResults(batch, response));
      } catch (error) {
        throw this.#http.failure(error, call, context);
      }
    }
    return results;
  }

  async makeFiles(bytes: Uint8Array, context: Context): Promise<MadeFiles> {
    const lane = context.bulk === true ? 'backup' : 'drive';
    const call = { op: 'makeFiles', method: 'POST', path: '/v1/files', bytes, lane } as const;
    return this.#http.json(call, shapes.made, context);
  }

  async versions(node: string, context: Context): Promise<VersionRecord[]> {
    const path = `/v1/nodes/${seg(node)}/versions`;
    const call = { op: 'versions', subject: node, method: 'GET', path } as const;
    return (await this.#http.json(call, shapes.versions, context)).versions;
  }

  async *past(space: string, context: Context): AsyncGenerator<NodePast> {
    const call = { op: 'past', subject: space, method: 'GET', path: `/v1/spaces/${seg(space)}/past` } as const;
    for await (const record of this.#http.lines(call, context)) yield checked(shapes.past, record);
  }

  async restoreVersion(node: string, version: string, context: Context): Promise<NodeRecord> {
    const path = `/v1/nodes/${seg(node)}/versions/${seg(version)}/restore`;
    return this.#http.json({ op: 'restoreVersion', subject: node, method: 'POST', path }, shapes.node, context);
  }

  async *trash(context: Context): AsyncGenerator<TrashRecord> {
    const call = { op: 'trash', method: 'GET', path: '/v1/trash' } as const;
    for await (const record of this.#http.lines(call, context)) yield checked(shapes.trash, record);
  }

  async restoreTrash(node: string, context: Context): Promise<NodeRecord> {
    const path = `/v1/trash/${seg(node)}/restore`;
    return this.#http.json({ op: 'restoreTrash', subject: node, method: 'POST', path }, shapes.node, context);
  }

  async purgeTrash(node: string, password: string | undefined, context: Context): Promise<void> {
    const call = { op: 'purgeTrash', subject: node, method: 'DELETE', path: `/v1/trash/${seg(node)}` } as const;
    await this.#http.done(password === undefined ? call : { ...call, json: { password } }, context);
  }

  async removeArchived(node: string, password: string, context: Context): Promise<void> {
    const json = { node, password };
    await this.#http.done(
      { op: 'removeArchived', subject: node, method: 'POST', path: '/v1/archive/remove', json },
      context,
    );
  }

  async usage(context: Context): Promise<Usage> {
    return this.#http.json({ op: 'usage', method: 'GET', path: '/v1/usage' }, shapes.usage, context);
  }

  renew(): void {
    this.#http.renew();
    this.#thread.renew();
  }

  async close(): Promise<void> {
    await this.#http.close();
    await this.#thread.close();
  }
}

function forSpace(space: string | undefined): string {
  return space === undefined ? '' : `?space=${seg(space)}`;
}

function seg(id: string): string {
  return encodeURIComponent(id);
}

/**
 * Parses a push event. An invalid one, or one of a later version, still means that something has changed, so every feed
 * is queried.
 */
function pushOf(data: string): Push {
  try {
    const event: unknown = JSON.parse(data);
    if (shapes.push.has(event)) return event;
  } catch {
    // Treated like an unknown event, below.
  }
  return { type: 'spaces' };
}

function digestsOf(raw: Buffer): string[] {
  if (raw.length % DIGEST_SIZE !== 0)
    throw new FsError('EIO', 'missing', { reason: "the cloud's response is not a list of digests" });
  return Array.from({ length: raw.length / DIGEST_SIZE }, (_, i) =>
    raw.toString('hex', i * DIGEST_SIZE, (i + 1) * DIGEST_SIZE),
  );
}

function isSilence(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code === 'UND_ERR_BODY_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT';
}
