import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from './problem.ts';
import { readPorts, writePorts, type PortsFile } from './secrets.ts';

export interface PortWishes {
  readonly host: string;
  /** The required port; 0: any. */
  readonly webdav?: number | undefined;
  /** The preferred port, used if it is free. */
  readonly usual: number;
  /** How long to wait for a remembered port before another is chosen, ms, as the process using it may be ending. */
  readonly timeout: number;
}

export type ChosenPorts = Required<Pick<PortsFile, 'webdav' | 'cloud'>>;

/**
 * Chooses ports for the WebDAV server and the embedded cloud: those of the last run if possible, so that addresses stay
 * the same; else the preferred ones; else any. Records the choice.
 * @throws Problem if a required port is in use
 */
export async function choosePorts(file: string, wishes: PortWishes): Promise<ChosenPorts> {
  const kept = await readPorts(file);
  const webdav = await webDavPort(kept.webdav, wishes);
  const beside = wishes.webdav === undefined || wishes.webdav === 0 ? undefined : wishes.webdav + 1;
  const cloud = await firstFree(
    '127.0.0.1',
    [kept.cloud, beside].filter((port) => port !== webdav),
    wishes.timeout,
  );
  const ports = { webdav, cloud };
  if (webdav !== kept.webdav || cloud !== kept.cloud) await writePorts(file, { ...kept, ...ports });
  return ports;
}

async function webDavPort(kept: number | undefined, { host, webdav, usual, timeout }: PortWishes): Promise<number> {
  if (webdav === undefined) return firstFree(host, [kept, usual], timeout);
  if (webdav === 0) return firstFree(host, [kept], timeout);
  if (await isFree(host, webdav, timeout)) return webdav;
  throw new Problem('conflict', `port ${webdav} is in use by another program; name another with --port`);
}

async function firstFree(host: string, ports: readonly (number | undefined)[], timeout: number): Promise<number> {
  for (const port of ports) {
    if (port !== undefined && port < 65_536 && (await isFree(host, port, timeout))) return port;
  }
  return bound(host, 0);
}

async function isFree(host: string, port: number, timeout: number): Promise<boolean> {
  for (const until = Date.now() + timeout; ; await sleep(100)) {
    try {
      await bound(host, port);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw refused(host, port, error);
      if (Date.now() >= until) return false;
    }
  }
}

/** Listens briefly, to see whether the port is free. Resolves to the port. */
async function bound(host: string, port: number): Promise<number> {
  const server = createServer();
  server.listen(port, host);
  await once(server, 'listening');
  const { port: got } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return got;
}

function refused(host: string, port: number, cause: unknown): Problem {
  const why =
    (cause as NodeJS.ErrnoException).code === 'EACCES'
      ? 'this user is not permitted to'
      : 'this computer has no such address';
  return new Problem('usage', `cannot listen on ${host}:${port}: ${why}`, { cause });
}
