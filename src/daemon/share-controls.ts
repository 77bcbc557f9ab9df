import { posix } from 'node:path';
import type { ShareRecord } from '../cloud/records.ts';
import type { Sharing } from '../cloud/sharing.ts';
import type { Gateway } from '../mounts/gateway.ts';
import type { Context } from '../vfs/context.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { NodeId } from '../vfs/node.ts';
import { splitPath, walk } from '../vfs/walk.ts';
import { resolve } from './control/files.ts';
import type { SharedFolders } from './control/controls.ts';
import type { AcceptBody, LeaveBody, RevokeBody, ShareBody, Shared } from './control/wire.ts';

/** Shared folders by their paths in the drive, which shows what was done when a method resolves. */
export class ShareControls implements SharedFolders {
  readonly #gateway: Gateway;
  readonly #sharing: Sharing;

  constructor(gateway: Gateway, sharing: Sharing) {
    this.#gateway = gateway;
    this.#sharing = sharing;
  }

  async list(context: Context): Promise<Shared[]> {
    return (await this.#sharing.shares(context)).map((share) => this.#shown(share));
  }

  async share({ path, email, role }: ShareBody, context: Context): Promise<Shared> {
    const { id, kind } = await resolve(this.#gateway.raw, path, 'share', context);
    if (kind !== 'folder')
      throw new FsError('ENOTDIR', 'share', { subject: path, reason: 'only a folder can be shared' });
    this.#checkInSync(id, path);
    // The cloud has to know the folder.
    if (this.#gateway.stack.journal.has(id)) await this.#gateway.flush(path, undefined, context);
    const share = await this.#sharing.share(id, email, role, context);
    await this.#gateway.pull(context);
    return this.#shown(share);
  }

  async accept({ share }: AcceptBody, context: Context): Promise<Shared> {
    const { space } = await this.#invitation(share, context);
    const accepted = await this.#sharing.acceptShare(space, context);
    await this.#gateway.pull(context);
    return this.#shown(accepted);
  }

  async decline({ share }: AcceptBody, context: Context): Promise<void> {
    const { space } = await this.#invitation(share, context);
    await this.#sharing.leaveShare(space, context);
  }

  async leave({ path, forAll }: LeaveBody, context: Context): Promise<void> {
    const { space, role } = await this.#at(path, 'leave', context);
    if (role === 'owner' && !forAll) {
      const reason = 'it belongs to this account: --for-all removes it for all members';
      throw new FsError('EPERM', 'leave', { subject: path, reason });
    }
    if (role !== 'owner') {
      if (forAll) throw new FsError('EPERM', 'leave', { subject: path, reason: 'only its owner removes it for all' });
      await this.#gateway.flush(path, undefined, context);
      await this.#sharing.leaveShare(space, context);
    } else {
      await this.#sharing.unshare(space, context);
      await this.#gateway.pull(context);
      await this.#remove(path, context);
    }
    await this.#gateway.pull(context);
  }

  async revoke({ path, email }: RevokeBody, context: Context): Promise<void> {
    const { space } = await this.#at(path, 'revoke', context);
    await (email === undefined
      ? this.#sharing.unshare(space, context)
      : this.#sharing.revokeShare(space, email, context));
    await this.#gateway.pull(context);
  }

  #checkInSync(id: NodeId, path: string): void {
    const { catalog } = this.#gateway.stack;
    const space = catalog.space(catalog.get(id)?.space ?? '');
    if ((space?.kind === 'sync' && space.root !== id) || space?.kind === 'shared') return;
    throw new FsError('EPERM', 'share', { subject: path, reason: 'only folders inside /Sync can be shared' });
  }

  /** To the Trash, where it can be restored as an ordinary folder. */
  async #remove(path: string, context: Context): Promise<void> {
    const names = splitPath(path, 'remove');
    const name = names.pop() ?? '';
    const { fs } = this.#gateway;
    const folder = await walk(fs, names, context);
    await fs.removeTree(folder.id, name, context);
    await this.#gateway.flush(posix.dirname(path), undefined, context);
  }

  /** The shared folder of a path. @throws EINVAL if it is not one */
  async #at(path: string, op: string, context: Context): Promise<ShareRecord> {
    const { id } = await resolve(this.#gateway.raw, path, op, context);
    const found = (await this.#sharing.shares(context)).find(({ place }) => place === id);
    if (found !== undefined) return found;
    throw new FsError('EINVAL', op, { subject: path, reason: 'it is not a shared folder; `fjord shares` lists them' });
  }

  /** An invitation by the name of its folder, or by its id. */
  async #invitation(share: string, context: Context): Promise<ShareRecord> {
    const open = (await this.#sharing.shares(context)).filter(({ accepted }) => !accepted);
    const [found, ...others] = open.filter(({ space, name }) => space === share || name === share);
    if (found === undefined) {
      throw new FsError('ENOENT', 'share', {
        subject: share,
        reason: 'there is no such invitation; see `fjord shares`',
      });
    }
    if (others.length > 0) {
      const reason = 'several invitations have this name: use the id that `fjord shares` shows';
      throw new FsError('EINVAL', 'share', { subject: share, reason });
    }
    return found;
  }

  #shown({ space, name, owner, role, accepted, place, members }: ShareRecord): Shared {
    const { catalog } = this.#gateway.stack;
    const folder = place === undefined ? undefined : catalog.get(place);
    const at = folder === undefined ? {} : { path: catalog.path(folder) };
    return { id: space, name, owner, role, accepted, ...at, members };
  }
}
