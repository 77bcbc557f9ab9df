import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FsError } from '../vfs/fs-error.ts';
import { closeToOthers, makePrivateFolder } from './private-file.ts';

/** Where everything of one run is; all paths are absolute. */
export interface DataDir {
  readonly root: string;
  /** The embedded cloud's data. */
  readonly cloud: string;
  /** The gateway's database, staging and cache, unless the settings say otherwise. */
  readonly gateway: string;
  readonly log: string;
  /** Address, user and password for other tools, while Fjord runs. */
  readonly access: string;
  /** The device's token. */
  readonly device: string;
  /** User and secret of the WebDAV door. */
  readonly webdav: string;
  /** First account of the embedded cloud. */
  readonly account: string;
  /** Where `gateway` is kept instead, if the settings have said so. */
  readonly cache: string;
  /** Ports that were free once, kept so that addresses stay the same. */
  readonly ports: string;
  readonly backups: string;
  /** Where the drive is mounted, while it is. */
  readonly mount: string;
  /** Which process is the gateway, while it runs. */
  readonly running: string;
  /** Address of the gateway's control socket. */
  readonly controlSocket: string;
  /** Held by `fjord start` while it runs. */
  readonly startSocket: string;
}

/** Longest socket path that every system takes: macOS has room for 103 bytes and a NUL. */
const SOCKET_PATH_MAX = 103;

export function dataDir(path: string): DataDir {
  const root = resolve(path);
  return {
    root,
    cloud: join(root, 'cloud'),
    gateway: join(root, 'gateway'),
    log: join(root, 'log'),
    access: join(root, 'access.json'),
    device: join(root, 'device.json'),
    webdav: join(root, 'webdav.json'),
    account: join(root, 'account.json'),
    cache: join(root, 'cache.json'),
    ports: join(root, 'ports.json'),
    backups: join(root, 'backups.json'),
    mount: join(root, 'mount.json'),
    running: join(root, 'gateway.json'),
    controlSocket: socketPath(root, 'control'),
    startSocket: socketPath(root, 'start'),
  };
}

/** Closes the folder, and the secrets in it, to other users. @throws FsError EACCES as `makePrivateFolder` does */
export async function takeDataDir({ root, access, device, webdav, account }: DataDir): Promise<void> {
  await makePrivateFolder(root);
  await closeToOthers([access, device, webdav, account]);
}

/** Unix sockets lie in the folder itself, or in a folder of our own under the temporary one where that is too long. */
export function socketPath(root: string, name: string): string {
  const digest = createHash('sha256').update(root).digest('hex').slice(0, 16);
  if (process.platform === 'win32') return `\\\\.\\pipe\\fjord-${digest}-${name}`;
  const inside = join(root, `${name}.sock`);
  return Buffer.byteLength(inside) <= SOCKET_PATH_MAX ? inside : join(ownTemporary(digest), `${name}.sock`);
}

function ownTemporary(digest: string): string {
  const uid = process.getuid?.() ?? 0;
  const folder = join(tmpdir(), `fjord-${uid}-${digest}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stat = lstatSync(folder);
  if (stat.isDirectory() && stat.uid === uid && (stat.mode & 0o077) === 0) return folder;
  const reason = 'somebody else made this folder; name a data folder with a shorter path';
  throw new FsError('EACCES', 'listen', { subject: folder, reason });
}
