import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FsError } from '../vfs/fs-error.ts';
import { closeToOthers, makePrivateFolder } from './private-file.ts';

/** The files and folders of an instance; all paths are absolute. */
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
  /** Password of the WebDAV server. */
  readonly webdav: string;
  /** The embedded cloud's first account. */
  readonly account: string;
  /** Records the folder that was used instead of `gateway`, if the settings named one. */
  readonly cache: string;
  /** The ports of the last run, so that addresses stay the same. */
  readonly ports: string;
  readonly backups: string;
  /** The local folders that are synced. */
  readonly folders: string;
  /** The limits of bandwidth that were chosen by command. */
  readonly limits: string;
  /** Records the mount point while the drive is mounted. */
  readonly mount: string;
  /** Records the gateway's process while it runs. */
  readonly running: string;
  /** Address of the gateway's control socket. */
  readonly controlSocket: string;
  /** Held by `fjord start` while it runs. */
  readonly startSocket: string;
}

/** Longest socket path in bytes that every system accepts: macOS has room for 103 bytes and a NUL. */
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
    folders: join(root, 'folders.json'),
    limits: join(root, 'limits.json'),
    mount: join(root, 'mount.json'),
    running: join(root, 'gateway.json'),
    controlSocket: socketPath(root, 'control'),
    startSocket: socketPath(root, 'start'),
  };
}

/**
 * Makes the folder and the secrets in it inaccessible to other users. @throws FsError EACCES as `makePrivateFolder`
 * does
 */
export async function takeDataDir({ root, access, device, webdav, account }: DataDir): Promise<void> {
  await makePrivateFolder(root);
  await closeToOthers([access, device, webdav, account]);
}

/**
 * The path of a Unix socket: in the folder itself, or, if that path is too long, in a private folder in the temporary
 * one.
 */
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
  const reason = 'another user owns this folder; name a data folder with a shorter path';
  throw new FsError('EACCES', 'listen', { subject: folder, reason });
}
