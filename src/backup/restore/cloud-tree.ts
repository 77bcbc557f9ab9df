import type { SpaceKind, SpaceRecord } from '../../cloud/records.ts';
import { placeSpaces } from '../../cloud/space-names.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { splitPath } from '../../vfs/walk.ts';
import { attributesOf, entryOf, type TreeNode } from './node-entry.ts';
import type { EntryAttributes, TreeEntry } from './tree-entry.ts';

/** Something that cannot be had, and why. */
export interface Lack {
  /** Relative to the root of the space. */
  readonly path: string;
  readonly reason: string;
}

/** The nodes of one space, as they are or as they were. */
export interface SpaceNodes {
  readonly nodes: Iterable<TreeNode>;
  readonly lacks: readonly Lack[];
}

/** A space, and the shared ones that have their places in it. */
export interface SpaceGroup {
  readonly space: SpaceRecord;
  readonly shared?: readonly SpaceRecord[];
}

export type LoadSpace = (group: SpaceGroup) => Promise<SpaceNodes>;

/** A folder above those of the spaces, which is no node. */
interface Branch {
  readonly children: Map<string, Branch | Root>;
}

interface Root {
  readonly space: SpaceRecord;
  readonly children: ReadonlyMap<string, readonly TreeNode[]>;
  readonly lacks: readonly Lack[];
}

/** What a path of the drive leads to. */
type Found =
  | { readonly is: 'branch'; readonly branch: Branch }
  | { readonly is: 'root'; readonly root: Root }
  | { readonly is: 'node'; readonly root: Root; readonly node: TreeNode };

/** Part of the drive as the cloud has it, without the gateway: a file, a folder, or a folder above those of several spaces. */
export class CloudTree {
  readonly #found: Found;
  /** What cannot be had of it; paths are those of the drive. */
  readonly lacks: readonly Lack[];

  private constructor(found: Found, lacks: readonly Lack[]) {
    this.#found = found;
    this.lacks = lacks;
  }

  /** @throws ENOENT; what `load` throws */
  static async open(path: string, spaces: readonly SpaceRecord[], load: LoadSpace): Promise<CloudTree> {
    const wanted = splitPath(path, 'restore');
    const top: Branch = { children: new Map() };
    const lacks: Lack[] = [];
    for (const { space, names } of placeSpaces(spaces)) {
      const common = Math.min(names.length, wanted.length);
      if (names.slice(0, common).join('/') !== wanted.slice(0, common).join('/')) continue;
      const { nodes, lacks: lacking } = await load({
        space,
        shared: space.kind === 'sync' ? spaces.filter(hasPlace) : [],
      });
      const below = `/${wanted.join('/')}`;
      const paths = lacking.map(({ path: at, reason }) => ({ path: `/${names.join('/')}/${at}`, reason }));
      for (const lack of paths) {
        if (below === '/' || lack.path === below || lack.path.startsWith(`${below}/`)) lacks.push(lack);
      }
      attach(top, names, { space, children: byParent(nodes), lacks });
    }
    const found = find(top, wanted);
    if (found === undefined && lacks.length === 0) {
      throw new FsError('ENOENT', 'restore', { subject: path, reason: `there is no ${path} in the cloud` });
    }
    return new CloudTree(found ?? { is: 'branch', branch: { children: new Map() } }, lacks);
  }

  /** The path is that of a file or symlink, which is the only entry. */
  get isLeaf(): boolean {
    return this.#found.is === 'node' && this.#found.node.kind !== 'folder';
  }

  /** Of the folder itself. */
  get attributes(): EntryAttributes | undefined {
    if (this.#found.is === 'node' && !this.isLeaf) return attributesOf(this.#found.node, this.#found.root.space.kind);
    const of = this.#found.is === 'root' ? this.#found.root.space : undefined;
    return of?.attributes && attributesOf(of.attributes, of.kind);
  }

  /** Every folder directly before all that is below it. */
  entries(): Generator<TreeEntry> {
    const found = this.#found;
    if (found.is === 'branch') return branchEntries(found.branch, 0, '');
    if (found.is === 'root') return nodeEntries(found.root, childrenOf(found.root, found.root.space.root), 0, '');
    return nodeEntries(found.root, this.isLeaf ? [found.node] : childrenOf(found.root, found.node.id), 0, '');
  }
}

function hasPlace({ kind, place }: SpaceRecord): boolean {
  return kind === 'shared' && place !== undefined;
}

function byParent(nodes: Iterable<TreeNode>): Map<string, TreeNode[]> {
  const children = new Map<string, TreeNode[]>();
  for (const node of nodes) {
    const siblings = children.get(node.parent);
    if (siblings) siblings.push(node);
    else children.set(node.parent, [node]);
  }
  return children;
}

function attach(top: Branch, names: readonly string[], root: Root): void {
  let at = top;
  for (const name of names.slice(0, -1)) {
    const next = at.children.get(name) ?? { children: new Map() };
    at.children.set(name, next);
    at = next as Branch;
  }
  at.children.set(names.at(-1) ?? '', root);
}

function find(top: Branch, names: readonly string[]): Found | undefined {
  let at: Found = { is: 'branch', branch: top };
  for (const name of names) {
    const next: Found | undefined = step(at, name);
    if (next === undefined) return undefined;
    at = next;
  }
  return at.is === 'branch' && at.branch.children.size === 0 ? undefined : at;
}

function step(at: Found, name: string): Found | undefined {
  if (at.is === 'branch') {
    const next = at.branch.children.get(name);
    if (next === undefined) return undefined;
    return 'space' in next ? { is: 'root', root: next } : { is: 'branch', branch: next };
  }
  const parent = at.is === 'root' ? at.root.space.root : at.node.id;
  const node = at.root.children.get(parent)?.find((child) => child.name === name);
  return node && { is: 'node', root: at.root, node };
}

function childrenOf({ children }: Root, id: string): readonly TreeNode[] {
  return children.get(id) ?? [];
}

function* branchEntries(branch: Branch, depth: number, above: string): Generator<TreeEntry> {
  for (const [name, next] of branch.children) {
    const path = `${above}${name}`;
    const isRoot = 'space' in next;
    const attributes = isRoot && next.space.attributes && attributesOf(next.space.attributes, next.space.kind);
    const rest = { size: 0, version: name, hash: undefined, attributes: attributes || undefined };
    yield { depth, path, name, kind: 'folder', ...rest };
    if (isRoot) yield* nodeEntries(next, childrenOf(next, next.space.root), depth + 1, `${path}/`);
    else yield* branchEntries(next, depth + 1, `${path}/`);
  }
}

interface Level {
  readonly nodes: readonly TreeNode[];
  readonly above: string;
  next: number;
}

/** Not recursive: trees may be deeper than stacks. */
function* nodeEntries(root: Root, top: readonly TreeNode[], base: number, above: string): Generator<TreeEntry> {
  const space: SpaceKind = root.space.kind;
  const levels: Level[] = [{ nodes: inOrder(top), above, next: 0 }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const node = level.nodes[level.next++];
    if (node === undefined) {
      levels.pop();
      continue;
    }
    const path = `${level.above}${node.name}`;
    yield entryOf(node, { depth: base + levels.length - 1, path, space });
    if (node.kind === 'folder') levels.push({ nodes: inOrder(childrenOf(root, node.id)), above: `${path}/`, next: 0 });
  }
}

function inOrder(nodes: readonly TreeNode[]): TreeNode[] {
  return [...nodes].sort((a, b) => (a.name < b.name ? -1 : 1));
}
