import { resolve } from 'node:path';
import type { Command } from 'commander';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { shown } from '../format.ts';
import { mountBody, withMountOptions, type MountOptions } from '../gateway-options.ts';

interface UnmountOptions extends DataOptions {
  readonly lazy?: true;
}

/** The drive as a file system of this computer. */
export function mountCommands(cli: Cli): Command[] {
  return [mountCommand(cli), unmountCommand(cli)];
}

function mountCommand(cli: Cli): Command {
  return withMountOptions(dataCommand('mount'))
    .description('mount the running drive on a folder of this computer')
    .argument('<dir>', 'an empty folder; made if there is none')
    .addHelpText('after', examples(['fjord mount ~/Fjord', 'then: ls ~/Fjord/Sync']))
    .action(async (dir: string, options: DataOptions & MountOptions) => {
      const path = await withGateway(cli, options, (gateway) => gateway.mount(mountBody(resolve(dir), options)));
      cli.terminal.note(`the drive is mounted on ${shown(path)}`);
    });
}

function unmountCommand(cli: Cli): Command {
  return dataCommand('unmount')
    .description('end that mount; Fjord goes on running')
    .option('--lazy', 'even if a program uses it; that program gets errors soon')
    .action(async (options: UnmountOptions) => {
      const path = await withGateway(cli, options, (gateway) => gateway.unmount(options.lazy === true));
      cli.terminal.note(`${shown(path)} is unmounted`);
    });
}
