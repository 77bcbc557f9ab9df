import type { Context } from '../vfs/context.ts';
import type { LinkRecord, NewLink } from './records.ts';

/** What an account does with its public links. Failures are those of `Remote`. */
export interface Linking {
  /** Those of the account, and those of others into folders that it shares; the newest first. */
  links(context: Context): Promise<LinkRecord[]>;

  /** @throws EACCES where the account may not link */
  link(link: NewLink, context: Context): Promise<LinkRecord>;

  /** Ends a link at once. @throws ENOENT */
  unlink(id: string, context: Context): Promise<void>;
}
