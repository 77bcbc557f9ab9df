import { InvalidArgumentError, Option, type Command } from 'commander';
import { SETTINGS, type Config, type SettingKey } from '../daemon/config.ts';
import type { MountBody } from '../daemon/control/wire.ts';
import type { MountState } from '../daemon/mount-point.ts';
import type { MountReport } from '../daemon/child-messages.ts';
import type { DataOptions } from './cli.ts';

const NO_MOUNT = '--no-fuse';

/** How to mount. `passthrough` is true unless `--no-passthrough` is given. */
export interface MountOptions {
  readonly fuseDriver?: Config['fuse.driver'];
  readonly passthrough: boolean;
  readonly xattr?: true;
}

/** Options that `up` and `start` share. `fuse` is true unless `--no-fuse` is given. */
export interface GatewayOptions extends DataOptions, MountOptions {
  readonly port?: number;
  readonly cloud?: string;
  readonly mount?: string;
  readonly fuse: boolean;
  readonly untilUnmounted?: true;
  readonly webdavEngine?: Config['webdav.engine'];
}

export function withGatewayOptions(command: Command): Command {
  command
    .option('--port <n>', 'port of the WebDAV server (setting webdav.port)', reader('webdav.port'))
    .option(
      '--webdav-engine <name>',
      'WebDAV server to use, fjord or webdav-server (setting webdav.engine)',
      reader('webdav.engine'),
    )
    .option('--mount <dir>', 'folder to mount the drive on (setting fuse.mount)')
    .addOption(
      new Option(NO_MOUNT, 'do not mount the drive').conflicts(['mount', 'fuseDriver', 'xattr', 'untilUnmounted']),
    )
    .option('--until-unmounted', 'stop when the drive is unmounted');
  return withMountOptions(command);
}

/** Options about how to mount. */
export function withMountOptions(command: Command): Command {
  return command
    .option('--fuse-driver <name>', 'FUSE driver to use, kernel or native (setting fuse.driver)', reader('fuse.driver'))
    .option(
      '--no-passthrough',
      'serve all reads and writes from Fjord, not directly from the kernel (setting fuse.passthrough)',
    )
    .option('--xattr', 'support extended attributes, which makes `ls -l` slower (setting fuse.xattr)');
}

/** The options as settings. */
export function gatewayFlags(options: GatewayOptions): Partial<Config> {
  const { port, cloud, mount, webdavEngine, fuseDriver } = options;
  return {
    ...(port === undefined ? {} : { 'webdav.port': port }),
    ...(cloud === undefined ? {} : { 'cloud.url': cloud }),
    ...(mount === undefined ? {} : { 'fuse.mount': mount }),
    ...(options.fuse ? {} : { 'fuse.mount': '' }),
    ...(webdavEngine === undefined ? {} : { 'webdav.engine': webdavEngine }),
    ...(fuseDriver === undefined ? {} : { 'fuse.driver': fuseDriver }),
    ...(options.passthrough ? {} : { 'fuse.passthrough': false }),
    ...(options.xattr === undefined ? {} : { 'fuse.xattr': true }),
  };
}

/** The mount options as arguments for the gateway's process. */
export function mountArgs({ mount, fuse, fuseDriver, passthrough, xattr }: GatewayOptions): string[] {
  return [
    ...(mount === undefined ? [] : ['--mount', mount]),
    ...(fuse ? [] : [NO_MOUNT]),
    ...(fuseDriver === undefined ? [] : ['--fuse-driver', fuseDriver]),
    ...(passthrough ? [] : ['--no-passthrough']),
    ...(xattr === undefined ? [] : ['--xattr']),
  ];
}

/** Whether the drive has been unmounted on request, by `fjord unmount` or another program. */
export function isOver({ dir, again }: MountReport): boolean {
  return dir === null && again?.[0] === NO_MOUNT;
}

/** The state of the mount as it is reported to the parent process. */
export function mountReport({ dir, problem, wish }: MountState): MountReport {
  return {
    dir,
    ...(problem === undefined ? {} : { problem: `${problem.dir}: ${problem.reason}` }),
    ...(wish === undefined ? {} : { again: wish === null ? [NO_MOUNT] : argsOf(wish) }),
  };
}

function argsOf({ dir, options: { driver, passthrough, xattr } }: NonNullable<MountState['wish']>): string[] {
  const how = ['--fuse-driver', driver, ...(passthrough ? [] : ['--no-passthrough']), ...(xattr ? ['--xattr'] : [])];
  return ['--mount', dir, ...how];
}

/** The body of the control request that mounts the drive. */
export function mountBody(dir: string, { fuseDriver, passthrough, xattr }: MountOptions): MountBody {
  return {
    dir,
    ...(fuseDriver === undefined ? {} : { driver: fuseDriver }),
    ...(passthrough ? {} : { passthrough }),
    ...(xattr === undefined ? {} : { xattr }),
  };
}

function reader<K extends SettingKey>(key: K): (text: string) => Config[K] {
  const setting = SETTINGS[key];
  return (text) => {
    const value = setting.read(text);
    if (value === undefined) throw new InvalidArgumentError(`it must be ${setting.expects}.`);
    return value as Config[K];
  };
}
