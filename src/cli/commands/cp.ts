import { posix } from 'node:path';
import type { Command } from 'commander';
import { Problem } from '../../daemon/problem.ts';
import { dataCommand, examples, withGateway, type Cli, type DataOptions } from '../cli.ts';
import { count, shown } from '../format.ts';

interface CpOptions extends DataOptions {
  readonly recursive?: true;
}

export function cpCommand(cli: Cli): Command {
  return dataCommand('cp')
    .description('copy within the drive, without downloading or uploading content')
    .usage('[options] <source...> <path>')
    .argument('<path...>', 'files or folders in the drive, then the target; into it, if it is an existing folder')
    .option('-r, --recursive', 'copy folders with everything in them')
    .addHelpText(
      'after',
      examples(
        ['fjord cp /Sync/plan.odt /Sync/plan-2.odt', 'a file'],
        ['fjord cp -r /Backup/laptop/docs /Sync/docs-2', 'a folder of a backup, under a new name'],
      ),
    )
    .action((paths: string[], options: CpOptions) => cp(cli, paths.slice(0, -1), paths.at(-1) ?? '', options));
}

async function cp(cli: Cli, sources: readonly string[], path: string, options: CpOptions): Promise<void> {
  if (sources.length === 0)
    throw new Problem('usage', 'the target is missing; for example: `fjord cp /Sync/a /Sync/b`');
  await withGateway(cli, options, async (gateway) => {
    const folder = await gateway.isFolder(path);
    if (!folder && (sources.length > 1 || path.endsWith('/'))) {
      throw new Problem('not-found', `${path} is not a folder in the drive; several sources need one as their target`);
    }
    let [nodes, failed] = [0, 0];
    for (const source of sources) {
      const to = folder ? posix.join(path, posix.basename(source)) : path;
      const copied = await gateway.copy({ path: source, to, ...(options.recursive ? { recursive: true } : {}) });
      for (const failure of copied.failures) cli.terminal.note(`fjord: ${shown(failure.path)}: ${failure.reason}`);
      nodes += copied.nodes;
      failed += copied.failures.length;
    }
    cli.terminal.note(`copied ${count(nodes, 'item')}`);
    if (failed > 0) throw new Problem('failure', `${count(failed, 'item')} could not be copied`);
  });
}
