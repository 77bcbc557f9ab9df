import { resolve } from 'node:path';
import type { Command } from 'commander';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { shown } from '../format.ts';
import { mountBody, withMountOptions, type MountOptions } from '../gateway-options.ts';

interface UnmountOptions extends DataOptions {
  readonly lazy?: true;
}

/** The commands that mount and unmount the drive on this computer. */
export function mountCommands(cli: Cli): Command[] {
  return [mountCommand(cli), unmountCommand(cli)];
}

function mountCommand(cli: Cli): Command {
  return withMountOptions(dataCommand('mount'))
    .description('mount the running drive on a folder on this computer')
    .argument('<dir>', 'an empty folder; created if it does not exist')
    .addHelpText('after', examples(['fjord mount ~/Fjord', 'then: ls ~/Fjord/Sync']))
    .action(async (dir: string, options: DataOptions & MountOptions) => {
      const path = await withGateway(cli, options, (gateway) => gateway.mount(mountBody(resolve(dir), options)));
      cli.terminal.note(`the drive is mounted on ${shown(path)}`);
    });
}

function unmountCommand(cli: Cli): Command {
  return dataCommand('unmount')
    .description('unmount the drive; Fjord keeps running')
    .option('--lazy', 'also if programs are using it; they will get errors')
    .action(async (options: UnmountOptions) => {
      const path = await withGateway(cli, options, (gateway) => gateway.unmount(options.lazy === true));
      cli.terminal.note(`${shown(path)} is unmounted`);
    });
}
