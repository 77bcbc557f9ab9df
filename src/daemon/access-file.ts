import { rm } from 'node:fs/promises';
import { writeJson } from './secrets.ts';

/** Where a running Fjord can be reached and by whom it can be ended; scripts and other tools rely on its shape. */
export interface Access {
  /** Ends everything on SIGTERM. */
  readonly pid: number;
  /** The drive's root; the address ends in '/'. */
  readonly webdav: { readonly url: string; readonly user: string; readonly password: string };
  readonly cloud: { readonly url: string; readonly pid: number; readonly email: string; readonly password: string };
  readonly gateway: { readonly pid: number };
  /** Where the drive is mounted. */
  readonly mount: string | null;
}

export async function writeAccess(path: string, access: Access): Promise<void> {
  await writeJson(path, access);
}

export async function removeAccess(path: string): Promise<void> {
  await rm(path, { force: true });
}
