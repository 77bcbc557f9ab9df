import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Remote } from '../../src/cloud/remote.ts';
import { outOfOrder } from '../../src/mounts/intents/plan.ts';
import { background as context } from '../../src/vfs/context.ts';
import type { FileHandle } from '../../src/vfs/file-system.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';
import type { NodeId } from '../../src/vfs/node.ts';
import { find } from '../../src/vfs/walk.ts';
import type { TestDevice } from './devices.ts';

/** Operations of programs on a tree. Paths begin at the root of the drive. */
export interface TreeActions {
  write(path: string, content: string): Promise<unknown>;
  mkdir(path: string): Promise<unknown>;
  rename(from: string, to: string): Promise<unknown>;
  unlink(path: string): Promise<unknown>;
  removeTree(path: string): Promise<unknown>;
  /** Absent if it is not supported. */
  exchange?(one: string, other: string): Promise<unknown>;
  symlink?(path: string, target: string): Promise<unknown>;
  /** Copies a file or a tree to a new name or over an existing node; absent if that is not tested. */
  copy?(from: string, to: string): Promise<unknown>;
}

/** One of two devices of an account. */
export interface Party {
  readonly device: TestDevice;
  readonly remote: Pick<Remote, 'spaces' | 'snapshot'>;
  readonly actions: TreeActions;
  restart(): Promise<void>;
  /** Disconnects or reconnects the network. */
  setOffline(offline: boolean): Promise<void>;
  /** Makes the next calls fail before they reach the cloud, or (`answer`) lose their responses. */
  disturb(calls: number, answer: boolean): void;
}

export interface Parties {
  readonly a: Party;
  readonly b: Party;
  readonly converge: () => Promise<void>;
}

const path = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
  .map((names) => names.map((name, i) => (i < names.length - 1 ? `${name}.d` : name)).join('/'));
const place = fc.oneof(
  path,
  path.map((file) => `${file}.d`),
);
/** Few names, so that both devices often use the same one. */
const near = fc.constantFrom('a', 'b', 'c', 'a.d', 'b.d', 'a.d/a', 'a.d/b.d');
const who = fc.constantFrom('a' as const, 'b' as const);

/** One step of a random history. */
export const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), who, at: path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('same' as const), who, at: path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('mkdir' as const), who, at: path.map((file) => `${file}.d`) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('rename' as const), who, at: place, to: place }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('rename' as const), who, at: near, to: near }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('exchange' as const), who, at: near, to: near }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('symlink' as const), who, at: path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('save' as const), who, at: near }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('copy' as const), who, at: place, to: place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unlink' as const), who, at: path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('removeTree' as const), who, at: place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('slow' as const), who, at: path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sync' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('fail' as const), who, calls: fc.nat(3), answer: fc.boolean() }),
  },
);
/** Steps that are not useful while both are connected all the time. */
export const ALONE: ReadonlySet<string> = new Set(['sync', 'restart', 'slow']);
export type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The hash of a content with a single block. */
function hashOf(content: string): string {
  const digest = createHash('sha256').update(content).digest();
  return createHash('sha256').update(digest).digest('hex');
}

/** A file that a program has partly written and keeps open. */
interface Writing {
  readonly handle: FileHandle;
  readonly half: string;
  readonly full: string;
}

/**
 * Two devices make random changes in one folder. In the end both show the tree of the cloud; every content was written
 * by a program; and no content is lost unless a program that saw it has overwritten or removed it.
 */
export class TwoDevicesRun {
  readonly #parties: Parties;
  readonly #top: string;
  readonly #contents = new Map<string, string>();
  /** Contents that must exist in the end. */
  readonly #owed = new Set<string>();
  /** Contents that a program that saw them has overwritten or removed. */
  readonly #released = new Set<string>();
  /** Files that are being written, one for each device. */
  readonly #writing = new Map<Party, Writing>();
  #count = 0;

  constructor(parties: Parties, top: string) {
    this.#parties = parties;
    this.#top = top;
  }

  async step(given: Step): Promise<void> {
    const party = this.#parties[given.who];
    if (given.do === 'sync') return await this.#sync(party);
    if (given.do === 'restart') {
      await this.#finish(party);
      return await party.restart();
    }
    if (given.do === 'fail') return party.disturb(given.calls, given.answer);
    const at = `${this.#top}/${given.at}`;
    const { actions } = party;
    try {
      if (given.do === 'write') await this.#write(party, at, `${this.#top} ${this.#count++}`);
      // Both devices may write the same content.
      if (given.do === 'slow') await this.#writeSlowly(party, at);
      if (given.do === 'same') await this.#write(party, at, `${this.#top} same`);
      if (given.do === 'save') await this.#save(party, at);
      if (given.do === 'symlink') await actions.symlink?.(at, 'elsewhere');
      if (given.do === 'exchange') await actions.exchange?.(at, `${this.#top}/${given.to}`);
      if (given.do === 'mkdir') await actions.mkdir(at);
      if (given.do === 'rename') await this.#replace(party, at, `${this.#top}/${given.to}`, 'rename');
      if (given.do === 'copy') await this.#replace(party, at, `${this.#top}/${given.to}`, 'copy');
      if (given.do === 'unlink') await this.#gone(party, at, () => actions.unlink(at));
      if (given.do === 'removeTree') await this.#gone(party, at, () => actions.removeTree(at));
    } catch (error) {
      // Random names are not always valid; a program would get the error, too.
      const senseless = ['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EINVAL', 'ELOOP'] as const;
      if (!senseless.some((code) => isFsError(error, code))) throw error;
    }
    this.#checkOrder();
  }

  /** Checks that no queued intent comes before the folder that it needs. */
  #checkOrder(): void {
    for (const { device } of [this.#parties.a, this.#parties.b]) {
      const wrong = outOfOrder(device.gateway.stack.journal.all());
      if (wrong !== undefined) throw new Error(`out of order on ${device.name}: ${JSON.stringify(wrong)}`);
    }
  }

  /**
   * @param owed whether contents that were not removed must exist @param offline whether to leave both without a
   * network
   */
  async check({ owed = true, offline = true } = {}): Promise<void> {
    const { a, b } = this.#parties;
    for (const party of [a, b]) {
      await this.#finish(party);
      await party.setOffline(false);
    }
    await this.#parties.converge();
    const [left, right] = [await a.device.tree(this.#top), await b.device.tree(this.#top)];
    assert.deepEqual(left, right, 'both devices show the same');
    assert.deepEqual(left, await this.#inCloud(), 'the cloud has what they show');
    const shown = new Set(Object.values(left));
    const known = new Set(['', 'link', ...this.#contents.values()]);
    for (const content of shown) if (!known.has(content)) throw new Error(`nobody has written ${content}`);
    for (const content of owed ? this.#owed : [])
      if (!shown.has(content)) throw new Error(`lost: ${content} of ${JSON.stringify(left)}`);
    for (const { device } of [a, b]) await settled(device);
    await a.setOffline(offline);
    await b.setOffline(offline);
  }

  async #sync(party: Party): Promise<void> {
    await party.setOffline(false);
    await party.device.sync();
    await party.device.sync();
    await party.setOffline(true);
  }

  async #write({ device, actions }: Party, at: string, content: string): Promise<void> {
    this.#contents.set(hashOf(content), content);
    const before = await this.#seen(device, at);
    await actions.write(at, content);
    for (const old of before) this.#release(old);
    this.#owe(content);
  }

  /** Saves as editors do: a new file is renamed over the old one. */
  async #save(party: Party, at: string): Promise<void> {
    const scratch = `${at}.new`;
    await this.#write(party, scratch, `${this.#top} ${this.#count++}`);
    await this.#replace(party, scratch, at, 'rename');
  }

  /** Writes one half, and the other half in the next such step; anything may happen in between. */
  async #writeSlowly(party: Party, at: string): Promise<void> {
    if (this.#writing.has(party)) return await this.#finish(party);
    const full = `${this.#top} ${this.#count++}, in two halves`;
    const half = full.slice(0, full.length / 2);
    for (const content of [half, full]) this.#contents.set(hashOf(content), content);
    const before = await this.#seen(party.device, at);
    const handle = await openToWrite(party.device, at);
    for (const old of before) this.#release(old);
    await handle.write(Buffer.from(half), 0, context);
    this.#writing.set(party, { handle, half, full });
  }

  async #finish(party: Party): Promise<void> {
    const writing = this.#writing.get(party);
    if (writing === undefined) return;
    this.#writing.delete(party);
    const { handle, half, full } = writing;
    // Writing to a file that was replaced in the meantime mixes the contents, as in any file system.
    const mine = (await contentOf(party.device, handle.node)) === half;
    if (mine) await handle.write(Buffer.from(full.slice(half.length)), half.length, context);
    const { node } = handle;
    await handle.close();
    if (mine && party.device.gateway.stack.catalog.get(node) !== undefined) this.#owe(full);
  }

  /**
   * A content that both may write need not be kept for one device if the other has replaced it: two files with the same
   * name and content are one file, and the replacement applies to it.
   */
  #owe(content: string): void {
    if (!this.#released.has(content)) this.#owed.add(content);
  }

  #release(content: string): void {
    this.#owed.delete(content);
    this.#released.add(content);
  }

  async #replace({ device, actions }: Party, from: string, to: string, how: 'rename' | 'copy'): Promise<void> {
    const replaced = from === to ? [] : await this.#seen(device, to);
    await actions[how]?.(from, to);
    if (actions[how] !== undefined) for (const old of replaced) this.#release(old);
  }

  async #gone({ device }: Party, at: string, work: () => Promise<unknown>): Promise<void> {
    const seen = await this.#seen(device, at);
    await work();
    for (const old of seen) this.#release(old);
  }

  /** The contents that a device shows at and below a path. */
  async #seen(device: TestDevice, at: string): Promise<string[]> {
    const { catalog } = device.gateway.stack;
    const attr = await device.stat(at).catch(() => undefined);
    if (attr === undefined) return [];
    const found: string[] = [];
    const look = async (id: string, where: string): Promise<void> => {
      const entry = catalog.get(id);
      if (entry?.kind === 'file') {
        found.push(
          entry.staged === undefined ? (this.#contents.get(entry.hash ?? '') ?? '') : await device.read(where),
        );
      }
      for await (const child of catalog.children(id)) await look(child.id, `${where}/${child.name}`);
    };
    await look(attr.id, at);
    return found;
  }

  /** The tree as a new device sees it. */
  async #inCloud(): Promise<Record<string, string>> {
    const { remote } = this.#parties.a;
    const space = (await remote.spaces(context)).find(({ kind }) => kind === 'sync');
    const nodes = new Map<string, { parent: string; name: string; kind: string; hash: string | null }>();
    for await (const record of remote.snapshot(space?.id ?? '', context))
      if ('id' in record) nodes.set(record.id, record);
    const found: Record<string, string> = {};
    for (const node of nodes.values()) {
      const names = [node.name];
      for (let up = nodes.get(node.parent); up !== undefined; up = nodes.get(up.parent)) names.unshift(up.name);
      const full = `/Sync/${names.join('/')}`;
      if (!full.startsWith(`${this.#top}/`)) continue;
      const content = node.kind === 'symlink' ? 'link' : (this.#contents.get(node.hash ?? '') ?? '?');
      found[node.kind === 'folder' ? `${full}/` : full] = node.kind === 'folder' ? '' : content;
    }
    return found;
  }
}

async function openToWrite(device: TestDevice, at: string): Promise<FileHandle> {
  const write = { read: false, write: true };
  const cut = at.lastIndexOf('/');
  const folder = await device.stat(at.slice(0, cut));
  const name = at.slice(cut + 1);
  const file = await find(device.fs, folder.id, name, context);
  if (file === undefined) return await device.fs.create(folder.id, name, {}, write, context);
  return await device.fs.open(file.id, { ...write, truncate: true }, context);
}

/** The current content of a file; `undefined` if it was removed, or cannot be fetched without a network. */
async function contentOf({ fs, gateway }: TestDevice, node: NodeId): Promise<string | undefined> {
  if (gateway.stack.catalog.get(node) === undefined) return undefined;
  const handle = await fs.open(node, { read: true, write: false }, context);
  try {
    const into = Buffer.alloc(1000);
    return into.toString('utf8', 0, await handle.read(into, 0, context));
  } catch (error) {
    if (isFsError(error, 'EAGAIN')) return undefined;
    throw error;
  } finally {
    await handle.close();
  }
}

/** Checks that nothing is queued or parked, and nothing is left over. */
export async function settled({ gateway }: TestDevice): Promise<void> {
  const { parked, queued } = gateway.status();
  assert.deepEqual({ parked, queued }, { parked: 0, queued: 0 });
  for await (const entry of gateway.stack.catalog.below('root')) {
    if (entry.base !== undefined || entry.staged !== undefined) throw new Error(`unsettled: ${JSON.stringify(entry)}`);
  }
}
