import { Refusal } from '../refusal.ts';
import type { Role } from '../../records.ts';
import { accountsOf, isAccessible, memberRole } from './access.ts';
import type { Caller } from './caller.ts';
import type { Actor } from './rights.ts';
import { Prefetch, type PrefetchKeys } from './prefetch.ts';
import { Pending, type Inserters } from './pending.ts';
import { writeOutcomes, type Outcome } from './outcomes.ts';
import { nodeRecord } from './records.ts';
import { newStamp } from './stamps.ts';
import type { StoredBlock } from './stored-blocks.ts';
import type { AccountRow, Db, NodeRow, SpaceRow, VersionRow } from './schema.ts';

/** A node without the columns that the transaction fills in. */
export type NewNode = Omit<NodeRow, 'rev' | 'ctime' | 'device' | 'others' | 'removed' | 'purged' | 'mount'>;

/**
 * A transaction of one account. Nodes that were read are kept, so that walking up from a thousand siblings costs one
 * walk. New rows are collected, and written before any other statement runs. Counters are written once, by `flush`.
 * Must be used by one caller at a time.
 */
export class Transaction implements Actor {
  readonly caller: Caller;
  readonly now: number;
  /** Rows that were read ahead. */
  readonly prefetch = new Prefetch();
  readonly #db: Db;
  readonly #pending: Pending;
  readonly #inserters: Inserters;
  readonly #nodes = new Map<string, NodeRow | undefined>();
  readonly #spaces = new Map<string, SpaceRow>();
  readonly #changed = new Set<SpaceRow>();
  /** By space: the stamp of the revisions that this transaction assigns. */
  readonly #stamps = new Map<string, { readonly after: number; readonly stamp: string }>();
  readonly #roles = new Map<string, Role>();
  readonly #accounts = new Map<string, AccountRow>();
  /** By account: bytes that it uses more. */
  readonly #used = new Map<string, number>();
  /** Accounts of which the list of spaces has changed. */
  readonly #relisted = new Set<string>();

  constructor(db: Db, caller: Caller, now: number, inserters: Inserters) {
    this.#db = db;
    this.#inserters = inserters;
    this.#pending = new Pending(inserters);
    this.caller = caller;
    this.now = now;
  }

  /** Writes the collected rows, then resolves to the connection for further statements. */
  async connection(): Promise<Db> {
    if (!this.#pending.isEmpty) {
      this.use(this.caller.account, await this.#pending.write(this.#db, this.caller, this.now));
    }
    return this.#db;
  }

  /** Prefetches rows that later calls will need. */
  async prefetchAll(prefetchKeys: PrefetchKeys): Promise<void> {
    if (prefetchKeys.nodes.length > 0) await this.load(prefetchKeys.nodes);
    const rows = await this.prefetch.read(await this.connection(), this.caller.account, prefetchKeys);
    for (const row of rows) this.#nodes.set(row.id, row);
  }

  /** A space that the account has access to, locked until the end of the transaction. @throws not_found */
  async space(id: string): Promise<SpaceRow> {
    const { account } = this.caller;
    const known = this.#spaces.get(id);
    if (known !== undefined && this.#roles.has(id)) return known;
    const row = await this.lock(id, account);
    const role = row?.account === account ? 'owner' : await memberRole(this.#db, id, account);
    if (row === undefined || role === undefined) throw new Refusal('not_found', 'there is no such space');
    this.#roles.set(id, role);
    return row;
  }

  /** A space, locked until the end of the transaction: of any account, or only if `account` has access to it. */
  async lock(id: string, account?: string): Promise<SpaceRow | undefined> {
    const known = this.#spaces.get(id);
    if (known !== undefined) return known;
    // The update changes nothing, but it takes the lock in every database.
    let query = this.#db.updateTable('spaces').set((eb) => ({ rev: eb.ref('rev') }));
    if (account !== undefined) query = query.where((eb) => isAccessible(eb, account));
    const row = await query.where('id', '=', id).returningAll().executeTakeFirst();
    if (row === undefined) return undefined;
    this.#spaces.set(id, row);
    this.#stamps.set(id, { after: row.rev, stamp: newStamp() });
    return row;
  }

  /** A space that `space` has already returned. */
  known(id: string): SpaceRow | undefined {
    return this.#roles.has(id) ? this.#spaces.get(id) : undefined;
  }

  roleIn({ id }: SpaceRow): Role {
    const role = this.#roles.get(id);
    if (role === undefined) throw new Refusal('not_found', 'there is no such space');
    return role;
  }

  /** Whether a node that is not in `space` is in another one that the account has access to. */
  async isElsewhere(id: string, space: SpaceRow): Promise<boolean> {
    const row = this.#nodes.get(id);
    if (row === undefined || row.space === space.id) return false;
    const { account } = this.caller;
    const query = this.#db.selectFrom('spaces').select('id').where('id', '=', row.space);
    return (await query.where((eb) => isAccessible(eb, account)).executeTakeFirst()) !== undefined;
  }

  /** A node by its id, tombstones included, or `undefined` if there is none in this space. */
  async node(id: string, space: SpaceRow): Promise<NodeRow | undefined> {
    if (!this.#nodes.has(id)) await this.load([id]);
    const row = this.#nodes.get(id);
    return row?.space === space.id ? row : undefined;
  }

  /** True if a node with this id exists, in any account. */
  async taken(id: string): Promise<boolean> {
    if (!this.#nodes.has(id)) await this.load([id]);
    if (this.#nodes.get(id) !== undefined) return true;
    const known = this.prefetch.isRoot(id);
    if (known !== undefined) return known;
    const root = await this.#db.selectFrom('spaces').select('id').where('root', '=', id).executeTakeFirst();
    return root !== undefined;
  }

  /** Reads many nodes with few statements, for later calls of `node`. */
  async load(ids: readonly string[]): Promise<void> {
    const db = await this.connection();
    const rows = await db.selectFrom('nodes').selectAll().where('id', 'in', ids).execute();
    for (const id of ids) this.#nodes.set(id, undefined);
    for (const row of rows) this.#nodes.set(row.id, row);
  }

  /** The node with this name in a folder. */
  async child(parent: string, name: string): Promise<NodeRow | undefined> {
    const known = this.prefetch.child(parent, name);
    if (known !== undefined) return known === null ? undefined : this.#nodes.get(known);
    const db = await this.connection();
    const found = await db
      .selectFrom('nodes')
      .selectAll()
      .where('parent', '=', parent)
      .where('name', '=', name)
      .where('removed', 'is', null)
      .executeTakeFirst();
    if (found === undefined) return undefined;
    this.#nodes.set(found.id, found);
    return found;
  }

  /** Adds a node with the next revision. */
  async insert(space: SpaceRow, node: NewNode): Promise<NodeRow> {
    const row = newRow(node, this.#stamp(space));
    await this.#makeRoom();
    this.#pending.addNode(row);
    this.#nodes.set(row.id, row);
    this.prefetch.tellChild(row.parent, row.name, row.id);
    return row;
  }

  /** Changes a node and gives it the next revision. */
  async update(space: SpaceRow, node: NodeRow, changes: Partial<NodeRow>): Promise<NodeRow> {
    const others = node.device === this.caller.device ? node.others : node.rev;
    const stamp = { ...this.#stamp(space), others };
    const row: NodeRow = { ...node, ...changes, ...stamp };
    const db = await this.connection();
    await db
      .updateTable('nodes')
      .set({ ...changes, ...stamp })
      .where('id', '=', node.id)
      .execute();
    if (row.parent !== node.parent || row.name !== node.name) {
      const { id, parent, name } = node;
      const left = { until: this.now, space: space.id, rev: row.rev };
      await db
        .insertInto('places')
        .values({ node: id, parent, name, ...left })
        .execute();
    }
    this.#nodes.set(row.id, row);
    for (const { parent, name } of [node, row]) this.prefetch.forgetChild(parent, name);
    return row;
  }

  /** Adds a version of a node. */
  async insertVersion(version: VersionRow): Promise<void> {
    await this.#makeRoom();
    this.#pending.addVersion(version);
    this.prefetch.tellVersion(version.id, true);
  }

  /** Remembers outcomes of intents, so that these are not executed again. */
  async remember(outcomes: readonly Outcome[]): Promise<void> {
    const [db, { now }, device] = [await this.connection(), this, this.caller.device ?? ''];
    await writeOutcomes(db, this.#inserters.intents, { device, outcomes, now });
  }

  /** One more version contains a block that was read ahead. */
  addReference(block: StoredBlock): void {
    this.use(this.caller.account, this.#pending.addReference(block));
  }

  /** Assigns the next revision of the space. */
  nextRev(space: SpaceRow): number {
    this.#changed.add(space);
    space.rev += 1;
    return space.rev;
  }

  /** The stamp of a revision of a space, if it was given out by this transaction. */
  stampOf(space: string, rev: number): string | undefined {
    const stamp = this.#stamps.get(space);
    return stamp !== undefined && rev > stamp.after ? stamp.stamp : undefined;
  }

  /** Adds to the space's counts of bytes (of current versions) and files. */
  count(space: SpaceRow, bytes: number, files: number): void {
    this.#changed.add(space);
    space.bytes += bytes;
    space.files += files;
  }

  /** Forgets all nodes, after changes that were made directly in the database. */
  forget(): void {
    this.#nodes.clear();
    this.prefetch.forgetChildren();
  }

  /** Bytes left in an account's quota. */
  async room(account: string): Promise<number> {
    const { quota, used } = await this.#account(account);
    return quota - used - (this.#used.get(account) ?? 0);
  }

  /** Adds to the bytes that an account uses. */
  use(account: string, bytes: number): void {
    this.#used.set(account, (this.#used.get(account) ?? 0) + bytes);
  }

  /** The list of the account's spaces has changed: it is told after the commit. */
  relist(account: string): void {
    this.#relisted.add(account);
  }

  get relisted(): ReadonlySet<string> {
    return this.#relisted;
  }

  /** Writes the counters. Resolves to the spaces with new revisions, once for each account that can access them. */
  async flush(): Promise<{ readonly account: string; readonly id: string; readonly rev: number }[]> {
    const db = await this.connection();
    for (const { id, rev, bytes, files } of this.#changed) {
      await db.updateTable('spaces').set({ rev, bytes, files }).where('id', '=', id).execute();
    }
    const stamps = [...this.#changed].flatMap((space) => {
      const stamp = this.stampOf(space.id, space.rev);
      return stamp === undefined ? [] : [{ space: space.id, rev: space.rev, stamp, created: this.now }];
    });
    if (stamps.length > 0) await db.insertInto('stamps').values(stamps).execute();
    for (const [account, used] of [...this.#used].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (used === 0) continue;
      await db
        .updateTable('accounts')
        .set((eb) => ({ used: eb('used', '+', used) }))
        .where('id', '=', account)
        .execute();
    }
    const moved = [];
    for (const { id, rev, kind, account } of this.#changed) {
      const accounts = kind === 'shared' ? await accountsOf(db, id) : [account];
      moved.push(...accounts.map((account) => ({ account, id, rev })));
    }
    return moved;
  }

  async #account(id: string): Promise<AccountRow> {
    const known = this.#accounts.get(id);
    if (known !== undefined) return known;
    const row = await this.#db
      .updateTable('accounts')
      .set((eb) => ({ used: eb.ref('used') }))
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    this.#accounts.set(id, row);
    return row;
  }

  async #makeRoom(): Promise<void> {
    if (this.#pending.isFull) await this.connection();
  }

  #stamp(space: SpaceRow): Pick<NodeRow, 'rev' | 'ctime' | 'device'> {
    return { rev: this.nextRev(space), ctime: this.now, device: this.caller.device };
  }
}

/** Every column by its name: to copy all of an object takes several times as long, and this is done for every new file. */
export function newRow(node: NewNode, { rev, ctime, device }: Pick<NodeRow, 'rev' | 'ctime' | 'device'>): NodeRow {
  const { id, space, parent, name, kind, mode, mtime, birthtime, size, version, hash, target, xattrs, posix } = node;
  return {
    id,
    space,
    parent,
    name,
    kind,
    mode,
    mtime,
    birthtime,
    ctime,
    rev,
    device,
    others: 0,
    size,
    version,
    hash,
    target,
    xattrs,
    posix,
    removed: null,
    purged: 0,
    mount: null,
  };
}

/** @throws gone, not_found */
export async function liveNode(transaction: Transaction, space: SpaceRow, id: string): Promise<NodeRow> {
  const node = await transaction.node(id, space);
  if (node === undefined) throw await absent(transaction, space, id);
  const top = await topOf(transaction, space, node);
  if (top?.removed !== null) {
    // The removal's, which for what was in a removed folder is the folder's.
    const { rev } = top ?? node;
    throw new Refusal('gone', 'the node, or a folder above it, was removed', {
      current: { ...nodeRecord(node), removed: true, rev },
    });
  }
  return node;
}

/** The refusal for a node that is not in a space: `unavailable` if it has just moved to another one, so that the client looks there. */
export async function absent(transaction: Transaction, space: SpaceRow, id: string): Promise<Refusal> {
  if (await transaction.isElsewhere(id, space)) return new Refusal('unavailable', 'the node is in another space now');
  return new Refusal('not_found', 'there is no such node in this space');
}

/** True if neither the node nor any folder above it is removed. */
export async function isLive(transaction: Transaction, space: SpaceRow, node: NodeRow): Promise<boolean> {
  return (await topOf(transaction, space, node))?.removed === null;
}

/** The nearest of a node and the folders above it that is removed, or else the topmost; `undefined` if one has been forgotten. */
export async function topOf(transaction: Transaction, space: SpaceRow, node: NodeRow): Promise<NodeRow | undefined> {
  let at: NodeRow | undefined = node;
  while (at !== undefined && at.removed === null && at.parent !== space.root)
    at = await transaction.node(at.parent, space);
  return at;
}

/** Checks that children can be created in the folder. @throws gone, not_found, not_a_folder */
export async function liveFolder(transaction: Transaction, space: SpaceRow, id: string): Promise<void> {
  if (id === space.root) return;
  const folder = await liveNode(transaction, space, id);
  if (folder.kind !== 'folder') {
    throw new Refusal('not_a_folder', 'the parent is not a folder', { current: nodeRecord(folder) });
  }
  if (folder.mount !== null)
    throw new Refusal('unavailable', 'the folder is shared now: what is in it has its own space');
}
