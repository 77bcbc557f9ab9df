import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readSets } from './backup-sets-file.ts';
import { checkMountPlace, type TakenFolder } from '../backup/folder-check.ts';
import { readPairs } from './folder-pairs-file.ts';
import { cacheDir } from './cache-dir.ts';
import { defaultDataDir, type Config } from './config.ts';
import type { MountBody } from './control/wire.ts';
import { dataDir, type DataDir } from './data-dir.ts';

/** The options of a mount. */
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
  /** Whether the user named the folder. If not, it is the default one, and a failure to mount is no error. */
  readonly asked: boolean;
}

/** The mount that the settings request; undefined: none. */
export function wishOf(config: Config): MountRequest | undefined {
  const dir = config['fuse.mount'];
  if (dir === '') return undefined;
  const options = optionsOf(config);
  if (dir === 'auto') return { dir: usualFolder(config['data.dir']), options, asked: false };
  return { dir: resolve(dir.replace(/^~(?=$|\/)/, homedir())), options, asked: true };
}

/** The mount that a control request asks for; options that it does not contain come from the settings. */
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

/** The default mount point. With a data folder of the user's choice it is inside that folder. */
function usualFolder(data: string): string {
  return resolve(data) === resolve(defaultDataDir) ? join(homedir(), 'Fjord') : join(resolve(data), 'mount');
}

/** Checks the setting fuse.mount. @throws EINVAL if its folder is inside a taken folder or contains one */
export async function checkMountSetting(config: Config): Promise<void> {
  const wish = wishOf(config);
  if (wish?.asked === true) await checkMountPlace(wish.dir, await takenFolders(config, dataDir(config['data.dir'])));
}

/**
 * Folders that must neither contain nor be inside the mount point, as the drive would then store its content in itself.
 */
export async function takenFolders(config: Config, dir: DataDir): Promise<TakenFolder[]> {
  const own = [dir.gateway, dir.cloud, dir.log, cacheDir(config, dir)];
  const sets = await readSets(dir.backups);
  const pairs = await readPairs(dir.folders);
  return [
    ...own.map((path) => ({ what: "one of Fjord's own folders", path })),
    ...sets.map(({ name, folder }) => ({ what: `the backup set ${name}`, path: folder })),
    ...pairs.map(({ folder }) => ({ what: 'the synced folder', path: folder })),
  ];
}
