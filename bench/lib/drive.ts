import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FjordProcess, fjord } from './fjord-process.ts';
import { isMounted, unmount } from './mounts.ts';
import { freePort, residentMemory } from './process.ts';

export interface CloudAddress {
  readonly url: string;
  readonly email: string;
  readonly password: string;
}

/** A cloud with one account, in a separate process. */
export class Cloud {
  readonly address: CloudAddress;
  readonly #process: FjordProcess;

  private constructor(address: CloudAddress, process: FjordProcess) {
    this.address = address;
    this.#process = process;
  }

  /** Starts it with all data in `dir`. */
  static async start(dir: string): Promise<Cloud> {
    await mkdir(dir, { recursive: true });
    const listen = `127.0.0.1:${await freePort()}`;
    const account = { email: 'bench@localhost', password: randomBytes(12).toString('hex') };
    const file = `${dir}.account`;
    await writeFile(file, JSON.stringify(account), { mode: 0o600 });
    const args = ['cloud', 'serve', '--listen', listen, '--account-file', file];
    const process = await FjordProcess.start({ dir, args });
    const url = `http://${listen}/`;
    // Continues only once the account exists.
    await process.said('serving ');
    return new Cloud({ url, ...account }, process);
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

/** A mounted gateway of a cloud, in a separate process. */
export class Drive {
  readonly mount: string;
  readonly #dir: string;
  readonly #isMounted: boolean;
  #process: FjordProcess | undefined;

  private constructor(dir: string, isMounted: boolean) {
    this.#dir = dir;
    this.#isMounted = isMounted;
    this.mount = join(dir, 'mount');
  }

  /** Registers a new device, with all data below `dir`. @param isMounted whether its drive is mounted on `mount` */
  static async join(dir: string, { url, email, password }: CloudAddress, isMounted = true): Promise<Drive> {
    const drive = new Drive(dir, isMounted);
    await mkdir(drive.mount, { recursive: true });
    const secret = join(dir, 'password');
    await writeFile(secret, `${password}\n`, { mode: 0o600 });
    const args = ['login', email, '--cloud', url, '--device', 'bench', '--password-file', secret];
    await fjord({ dir: join(dir, 'data'), args });
    await drive.start();
    return drive;
  }

  /** Starts it, and resolves when the mount can be listed, or without one, when it serves. */
  async start(): Promise<void> {
    const args = ['up', '--port', '0', ...(this.#isMounted ? ['--mount', this.mount] : ['--no-fuse'])];
    const process = await FjordProcess.start({ dir: join(this.#dir, 'data'), args });
    this.#process = process;
    if (this.#isMounted) await process.until(async () => (await isMounted(this.mount)) || undefined);
    else await process.access();
  }

  async command(...args: string[]): Promise<string> {
    return await fjord({ dir: join(this.#dir, 'data'), args });
  }

  async memory(): Promise<number> {
    return await residentMemory(this.#process?.pid ?? 0);
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    if (this.#isMounted) await unmount(this.mount);
  }
}
