import type { Context } from '../vfs/context.ts';
import type { ShareRecord } from './records.ts';

/** What an account does with its shared folders. Failures are those of `Remote`. */
export interface Sharing {
  /** The shared folders of the account, and its invitations. */
  shares(context: Context): Promise<ShareRecord[]>;

  /** Shares a folder of Sync with an e-mail address, or changes the role. @throws EACCES for a folder in or above a shared one */
  share(node: string, email: string, role: 'editor' | 'viewer', context: Context): Promise<ShareRecord>;

  acceptShare(space: string, context: Context): Promise<ShareRecord>;

  /** Declines an invitation, or leaves a shared folder. */
  leaveShare(space: string, context: Context): Promise<void>;

  /** The owner takes a shared folder away from a member. */
  revokeShare(space: string, email: string, context: Context): Promise<void>;

  /** The owner stops sharing. */
  unshare(space: string, context: Context): Promise<void>;
}
