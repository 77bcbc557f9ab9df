import { join } from 'node:path';
import type { Logger } from 'pino';
import { FsError } from '../../vfs/fs-error.ts';
import type { Controls } from '../control/controls.ts';
import type { DataDir } from '../data-dir.ts';
import { readPorts, writePorts } from '../secrets.ts';
import { readPageFiles } from './page-files.ts';
import { PageServer } from './page-server.ts';

/** What Vite has built from `src/web/status`. */
const BUILT = join(import.meta.dirname, '../../../dist/status');

export interface StatusPageOptions {
  readonly dir: DataDir;
  readonly controls: Controls;
  readonly log: Logger;
}

/** The status page, on the port of the last run if that is free. */
export class StatusPage {
  readonly #server: PageServer | undefined;

  private constructor(server: PageServer | undefined) {
    this.#server = server;
  }

  /** Without a built page there is nothing to serve, and the rest works as ever. */
  static async open({ dir, controls, log }: StatusPageOptions): Promise<StatusPage> {
    const files = await readPageFiles(BUILT).catch(() => undefined);
    if (files === undefined) return new StatusPage(undefined);
    const kept = await readPorts(dir.ports);
    const logPath = join(dir.log, 'gateway.log');
    const server = await PageServer.open({ controls, files, logPath, port: kept.page, log });
    if (server.port !== kept.page) await writePorts(dir.ports, { ...kept, page: server.port });
    return new StatusPage(server);
  }

  /** The address for browsers that are signed in; undefined if there is no page. */
  get url(): string | undefined {
    return this.#server?.url;
  }

  /** An address that signs a browser in, once. @throws ENOENT if the page was not built */
  link(): string {
    if (this.#server !== undefined) return this.#server.link();
    throw new FsError('ENOENT', 'open', { subject: BUILT, reason: 'the status page was not built: `npm run build`' });
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}
