import { rm } from 'node:fs/promises';
import PQueue from 'p-queue';
import { writeJson } from './secrets.ts';

/** Where a running Fjord can be reached and by whom it can be ended; scripts and other tools rely on its shape. */
export interface InstanceAccess {
  /** Ends everything on SIGTERM. */
  readonly pid: number;
  /** Access to the drive's root; the address ends in '/'. */
  readonly webdav: { readonly url: string; readonly user: string; readonly password: string };
  readonly cloud: { readonly url: string; readonly pid: number; readonly email: string; readonly password: string };
  readonly gateway: { readonly pid: number };
  /** The mount point, or null if the drive is not mounted. */
  readonly mount: string | null;
}

/** The same of `fjord up`, whose cloud is run by others. */
export type GatewayAccess = Omit<InstanceAccess, 'cloud'> & {
  readonly cloud: { readonly url: string; readonly email: string };
};

async function writeAccess(path: string, access: InstanceAccess | GatewayAccess): Promise<void> {
  await writeJson(path, access);
}

async function removeAccess(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Keeps the file up to date while the program runs. Writes run one after another. */
export class AccessFile {
  readonly #path: string;
  readonly #failed: (error: unknown) => void;
  readonly #writes = new PQueue({ concurrency: 1 });

  constructor(path: string, failed: (error: unknown) => void) {
    this.#path = path;
    this.#failed = failed;
  }

  /** A failure is reported, and changes nothing else. */
  write(access: InstanceAccess | GatewayAccess): void {
    this.#writes.add(async () => writeAccess(this.#path, access)).catch(this.#failed);
  }

  async written(): Promise<void> {
    await this.#writes.onIdle();
  }

  async remove(): Promise<void> {
    await this.#writes.onIdle();
    await removeAccess(this.#path);
  }
}
