import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readSets } from './backup-sets-file.ts';
import { checkMountPlace, type TakenFolder } from '../backup/folder-check.ts';
import { cacheDir } from './cache-dir.ts';
import { defaultDataDir, type Config } from './config.ts';
import type { MountBody } from './control/wire.ts';
import { dataDir, type DataDir } from './data-dir.ts';

/** How the drive is mounted. */
export interface MountOptions {
  readonly driver: Config['fuse.driver'];
  readonly passthrough: boolean;
  readonly xattr: boolean;
  readonly allowOther: boolean;
}

/** Where the drive is to be mounted, and how. */
export interface MountRequest {
  /** An absolute path. */
  readonly dir: string;
  readonly options: MountOptions;
  /** Somebody named the folder; else it is the usual one, and it is no harm if the drive cannot be mounted. */
  readonly asked: boolean;
}

/** What the settings wish for; undefined: no mount. */
export function wishOf(config: Config): MountRequest | undefined {
  const dir = config['fuse.mount'];
  if (dir === '') return undefined;
  const options = optionsOf(config);
  if (dir === 'auto') return { dir: usualFolder(config['data.dir']), options, asked: false };
  return { dir: resolve(dir.replace(/^~(?=$|\/)/, homedir())), options, asked: true };
}

/** What a request wishes for; about what it does not say, the settings count. */
export function wishedBy({ dir, driver, passthrough, xattr }: MountBody, config: Config): MountRequest {
  const usual = optionsOf(config);
  const options = {
    ...usual,
    driver: driver ?? usual.driver,
    passthrough: passthrough ?? usual.passthrough,
    xattr: xattr ?? usual.xattr,
  };
  return { dir: resolve(dir), options, asked: true };
}

function optionsOf(config: Config): MountOptions {
  return {
    driver: config['fuse.driver'],
    passthrough: config['fuse.passthrough'],
    xattr: config['fuse.xattr'],
    allowOther: config['fuse.allow_other'],
  };
}

/** Whoever names a data folder keeps everything together there. */
function usualFolder(data: string): string {
  return resolve(data) === resolve(defaultDataDir) ? join(homedir(), 'Fjord') : join(resolve(data), 'mount');
}

/** @throws EINVAL if the settings name a folder for the mount that is in one of the drive's own, or around it */
export async function checkMountSetting(config: Config): Promise<void> {
  const wish = wishOf(config);
  if (wish?.asked === true) await checkMountPlace(wish.dir, await takenFolders(config, dataDir(config['data.dir'])));
}

/** Folders that the drive must not be mounted in or around, as it would keep its own content there. */
export async function takenFolders(config: Config, dir: DataDir): Promise<TakenFolder[]> {
  const own = [dir.gateway, dir.cloud, dir.log, cacheDir(config, dir)];
  const sets = await readSets(dir.backups);
  return [
    ...own.map((path) => ({ what: 'a folder of Fjord itself', path })),
    ...sets.map(({ name, folder }) => ({ what: `the backup set ${name}`, path: folder })),
  ];
}
