import type { Entry } from '../../src/cache/tree/entry.ts';
import { background as context } from '../../src/vfs/context.ts';
import { outOfOrder } from '../../src/mounts/intents/plan.ts';
import { isScratch } from '../../src/vfs/name.ts';
import { listSpaces } from '../../src/cloud/server/meta/spaces.ts';
import type { NodeRecord } from '../../src/cloud/records.ts';
import type { Device } from './device.ts';
import { type Failure, failure } from './failure.ts';
import { read } from './programs.ts';
import type { World } from './world.ts';

/** What is shown at a path, as text that can be compared. */
type Tree = Map<string, string>;

interface Shown {
  readonly kind: string;
  readonly mode: number;
  readonly mtime: number;
  readonly target?: string | undefined;
  readonly xattrs?: Readonly<Record<string, string>> | undefined;
  readonly content: string;
}

/**
 * Checks that all gateways show the tree of the cloud, that what is shared is equal for all members, and that no acknowledged
 * content is lost. There is a new gateway of each account.
 */
export async function checkTrees(world: World, fresh: readonly Device[]): Promise<void> {
  const contents = new Set<string>();
  const paths: string[] = [];
  for (const one of fresh) {
    const reference = await treeOf(world, one);
    compare('the cloud', await cloudTree(world, one.account), 'a new gateway', reference.tree);
    for (const device of world.devices) {
      if (device.account !== one.account || fresh.includes(device)) continue;
      const { tree } = await treeOf(world, device);
      compare(device.name, tree, 'a new gateway', reference.tree);
    }
    for (const content of reference.contents) contents.add(content);
    paths.push(...reference.tree.keys());
  }
  const [one, other] = fresh;
  if (one !== undefined && other !== undefined) compareShared(one, other);
  for (const content of contents) {
    if (!world.contents.isKnown(content)) throw failure('foreign', `nobody has written ${JSON.stringify(content)}`);
  }
  for (const content of world.contents.owed) {
    if (!contents.has(content)) throw failure('lost', `${JSON.stringify(content)} is not in\n${paths.join('\n')}`);
  }
}

/** Checks that two accounts see the same in what is shared with both. */
function compareShared(one: Device, other: Device): void {
  const [left, right] = [sharedTrees(one), sharedTrees(other)];
  for (const [space, tree] of left) compare(one.name, tree, other.name, right.get(space) ?? tree);
}

/** What is in the shared folders that a gateway shows, by the id of their space and the path in it. */
function sharedTrees(device: Device): Map<string, Tree> {
  const { catalog } = device.gateway.stack;
  const found = new Map<string, Tree>();
  const shown = device.entries().filter((entry) => isShown(device, entry));
  for (const top of shown) if (top.mount !== undefined) found.set(top.mount, new Map());
  for (const entry of shown) {
    const top = [...catalog.ancestors(entry)].find(({ mount }) => mount === entry.space);
    if (top === undefined) continue;
    const path = catalog.path(entry).slice(catalog.path(top).length);
    found.get(entry.space)?.set(path, textOf({ ...entry, content: entry.hash ?? '' }));
  }
  return found;
}

/**
 * Checks that a queue can go on: no intent precedes the creation of its node, or of the folder that it puts a node into. A
 * creation that was queued again because another computer had removed a folder is an exception: what is in the folder was
 * perhaps being sent, and is sent again when it has been refused.
 */
export function checkOrder({ name, isDead, gateway }: Device): void {
  if (isDead) return;
  const { journal, uploader } = gateway.stack;
  const queue = [...journal.all()];
  if (outOfOrder(queue.filter(({ since }) => since === undefined)) !== undefined) {
    throw failure('order', `${name}:\n${queue.map((intent) => JSON.stringify(intent)).join('\n')}`);
  }
  const { stuck } = uploader.status;
  if (stuck !== undefined) throw failure('stuck', `${name} does not send ${JSON.stringify(stuck)}`);
}

/**
 * Checks that gateways which have sent and shown everything have the same tree, as far as that is known without reading
 * contents: what is done to a node later would show it again where it was missing.
 */
export async function checkMeeting(world: World): Promise<void> {
  if (!(await haveMet(world))) return;
  if (differences(world) === undefined) return;
  await world.wait(5000);
  if (!(await haveMet(world))) return;
  const difference = differences(world);
  if (difference !== undefined) throw difference;
}

async function haveMet(world: World): Promise<boolean> {
  for (const device of world.devices) {
    if (device.isDead || world.handlesOf(device).size > 0) return false;
    const { journal, catalog } = device.gateway.stack;
    const { account } = device;
    const spaces = await listSpaces(world.cloud.meta.db, { account, device: device.id });
    if (journal.size > 0 || spaces.some(({ id, rev }) => (catalog.space(id)?.cursor ?? 0) !== rev)) return false;
  }
  return true;
}

function differences(world: World): Failure | undefined {
  try {
    for (const [i, device] of world.devices.entries()) {
      const before = world.devices.slice(0, i).find(({ account }) => account === device.account);
      if (before !== undefined) compare(device.name, catalogTree(device), before.name, catalogTree(before));
      else if (i > 0) compareShared(device, world.devices[0] as Device);
    }
  } catch (error) {
    return failure('trees', error);
  }
  return undefined;
}

export function catalogTree(device: Device): Tree {
  const { catalog } = device.gateway.stack;
  const shown = device.entries().filter((entry) => entry.space !== '.' && isShown(device, entry));
  return new Map(shown.map((entry) => [catalog.path(entry), textOf({ ...entry, content: entry.hash ?? '' })]));
}

/** Checks that nothing is queued and nothing is left over. */
export async function checkLeftovers(world: World): Promise<void> {
  for (const device of world.devices) {
    const { name, gateway, warnings } = device;
    if (warnings.length > 0) throw failure('warning', `${name}: ${warnings[0]}`);
    const { journal, catalog, staging, files } = gateway.stack;
    if (journal.size > 0) throw failure('stuck', `${name} has ${journal.size} queued`);
    for (const { id } of await world.until(catalog.spaces(), 'spaces')) {
      const { treeRemoved } = catalog.space(id) ?? {};
      if (treeRemoved !== undefined)
        throw failure('leftover', `${name} waits for the removal of a tree at ${treeRemoved}`);
    }
    const owned = new Set<string>();
    const known = new Set<string>();
    for (const entry of device.entries()) {
      if (entry.staged !== undefined) owned.add(entry.staged);
      known.add(entry.id);
      if (entry.local === true || isScratch(entry.name)) continue;
      if (entry.base !== undefined) throw failure('leftover', `${name} has a base left: ${JSON.stringify(entry)}`);
      if (entry.staged !== undefined) throw failure('leftover', `${name} has a staged file: ${JSON.stringify(entry)}`);
      if (entry.rev === 0 && entry.space !== '.' && catalog.space(entry.space)?.root !== entry.id)
        throw failure('leftover', `${name} has an entry that the cloud never saw: ${JSON.stringify(entry)}`);
    }
    for (const entry of device.entries()) {
      if (entry.id !== 'root' && !known.has(entry.parent)) {
        throw failure('leftover', `${name} has an entry in no folder: ${JSON.stringify(entry)}`);
      }
      if (catalog.get(entry.id)?.parent !== entry.parent || catalog.get(entry.id)?.name !== entry.name) {
        throw failure(
          'leftover',
          `${name} has two entries of one node: ${JSON.stringify(entry)}, ${JSON.stringify(catalog.get(entry.id))}`,
        );
      }
    }
    for (const id of await world.until(staging.ids(), 'ids')) {
      if (!owned.has(id)) throw failure('leftover', `${name} has a staged file that nothing names: ${id}`);
    }
    if (files.size > 0) throw failure('leftover', `${name} has ${files.size} files open`);
    checkStore(device);
  }
}

function checkStore(device: Device): void {
  const { disk } = device;
  const rows = disk.database(`${disk.root}/data/db`).range({ gt: 'store!', lt: 'store!g' });
  const records = new Set(rows.map(([key]) => key.slice('store!'.length)));
  for (const [key, { type }] of device.gateway.stack.writer.pending('store')) {
    if (type === 'put') records.add(key);
    else records.delete(key);
  }
  const files = new Set<string>();
  for (let prefix = 0; prefix < 256; prefix++) {
    const folder = `${disk.root}/data/store/${prefix.toString(16).padStart(2, '0')}`;
    for (const hash of disk.list(folder).keys()) files.add(hash);
  }
  for (const hash of files) {
    if (!records.has(hash))
      throw failure('leftover', `${device.name} has a file in its store without a record: ${hash}`);
  }
  if (disk.list(`${disk.root}/data/trash`).size > 0) throw failure('leftover', `${device.name} has files in its trash`);
}

export function compare(one: string, left: Tree, other: string, right: Tree): void {
  const lines: string[] = [];
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    const [a, b] = [left.get(path), right.get(path)];
    if (a !== b) lines.push(`${path}\n    ${one}: ${a ?? '-'}\n    ${other}: ${b ?? '-'}`);
  }
  if (lines.length > 0) throw failure('trees', lines.join('\n'));
}

async function treeOf(world: World, device: Device): Promise<{ tree: Tree; contents: Set<string> }> {
  const { catalog } = device.gateway.stack;
  const tree: Tree = new Map();
  const contents = new Set<string>();
  const shown = device.entries().filter((entry) => entry.space !== '.' && isShown(device, entry));
  const texts = await world.until(
    Promise.all(shown.map((entry) => (entry.kind === 'file' ? read(device.gateway.raw, catalog.path(entry)) : ''))),
    'reading everything',
  );
  for (const [i, entry] of shown.entries()) {
    const content = texts[i] ?? '';
    if (entry.kind === 'file') contents.add(content);
    if (catalog.space(entry.space)?.root === entry.id) continue;
    tree.set(catalog.path(entry), textOf({ ...entry, content }));
  }
  return { tree, contents };
}

/** Whether an entry is part of the tree: not below a removed folder, and not local to this computer. */
function isShown(device: Device, entry: Entry): boolean {
  const { catalog } = device.gateway.stack;
  if (entry.local === true) return false;
  const ancestors = [...catalog.ancestors(entry)];
  return ancestors.at(-1)?.id === 'root' && !ancestors.some(({ local }) => local === true);
}

/** The tree as a new gateway sees it. */
async function cloudTree(world: World, account: string): Promise<Tree> {
  const tree: Tree = new Map();
  const remote = await world.cloud.device('observer', account);
  const spaces = await remote.spaces(context);
  const nodes = new Map<string, NodeRecord>();
  // Where what is at the top of a shared folder is shown.
  const places = new Map(spaces.map(({ root, place }) => [root, place ?? '']));
  for (const space of spaces) {
    for await (const record of remote.snapshot(space.id, context)) if ('id' in record) nodes.set(record.id, record);
  }
  const above = ({ parent }: NodeRecord): NodeRecord | undefined => nodes.get(places.get(parent) ?? parent);
  for (const space of spaces) {
    for (const node of [...nodes.values()].filter((one) => one.space === space.id)) {
      const names = [node.name];
      for (let up = above(node); up !== undefined; up = above(up)) names.unshift(up.name);
      const top = space.kind === 'archive' ? 'Archive' : 'Sync';
      const content = node.kind === 'file' ? (world.contents.of(node.hash ?? '') ?? `?${node.hash}`) : '';
      tree.set(`/${[top, ...names].join('/')}`, textOf({ ...node, content }));
    }
  }
  return tree;
}

function textOf({ kind, mode, mtime, target, xattrs = {}, content }: Shown): string {
  const attributes = Object.entries(xattrs).map(([name, value]) => `${name}=${value}`);
  const times = kind === 'folder' ? '' : ` ${mtime}`;
  return [kind, mode.toString(8) + times, target ?? '', JSON.stringify(content), ...attributes.sort()].join(' ');
}
