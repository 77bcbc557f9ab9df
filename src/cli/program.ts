import { Command } from 'commander';
import { version } from '../daemon/version.ts';
import type { Cli } from './cli.ts';
import { archiveCommand } from './commands/archive.ts';
import { backupCommand } from './commands/backup.ts';
import { cloudCommand } from './commands/cloud.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommand } from './commands/config.ts';
import { cpCommand } from './commands/cp.ts';
import { downCommand } from './commands/down.ts';
import { catCommand, getCommand } from './commands/get.ts';
import { historyCommands } from './commands/history.ts';
import { issueCommands } from './commands/issues.ts';
import { limitCommand } from './commands/limit.ts';
import { linkCommands } from './commands/links.ts';
import { loginCommand } from './commands/login.ts';
import { lsCommand } from './commands/ls.ts';
import { mountCommands } from './commands/mount.ts';
import { pinCommands } from './commands/pin.ts';
import { openCommand } from './commands/open.ts';
import { putCommand } from './commands/put.ts';
import { serviceCommand } from './commands/service.ts';
import { shareCommands } from './commands/shares.ts';
import { startCommand } from './commands/start.ts';
import { statusCommand } from './commands/status.ts';
import { syncCommand } from './commands/sync.ts';
import { trashCommand } from './commands/trash.ts';
import { upCommand } from './commands/up.ts';
import { uploadCommands } from './commands/upload.ts';
import { verifyCommand } from './commands/verify.ts';
import { EXITS } from './exit.ts';

/** The whole command tree. It prints nothing but help; errors are thrown, and `run.ts` prints them in one line. */
export function createProgram(cli: Cli): Command {
  const program = new Command('fjord')
    .description(
      'Your cloud as a drive: /Sync is the same on all computers, /Backup mirrors folders, /Archive keeps files for good.',
    )
    .version(version, '-V, --version', 'print the version')
    .enablePositionalOptions()
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command');
  const groups: [string, Command[]][] = [
    [
      'Run it:',
      [
        startCommand(cli),
        upCommand(cli),
        downCommand(cli),
        statusCommand(cli),
        openCommand(cli),
        limitCommand(cli),
        ...mountCommands(cli),
        serviceCommand(cli),
      ],
    ],
    [
      'Files:',
      [
        lsCommand(cli),
        catCommand(cli),
        getCommand(cli),
        putCommand(cli),
        cpCommand(cli),
        ...historyCommands(cli),
        ...pinCommands(cli),
        trashCommand(cli),
        archiveCommand(cli),
      ],
    ],
    ['Shared folders and links:', [...shareCommands(cli), ...linkCommands(cli)]],
    ['What needs a person:', issueCommands(cli)],
    ['Uploads:', [...uploadCommands(cli), verifyCommand(cli)]],
    ['Synced folders:', [syncCommand(cli)]],
    ['Backups:', [backupCommand(cli)]],
    [
      'Account and settings:',
      [loginCommand(cli), cloudCommand(cli), configCommand(cli), completionCommand(cli, program)],
    ],
  ];
  for (const [group, commands] of groups) {
    program.commandsGroup(group);
    for (const command of commands) program.addCommand(command);
  }
  program.addHelpText('after', helpTail());
  quiet(program, cli);
  return program;
}

function helpTail(): string {
  const exits = EXITS.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`);
  return [
    '',
    'First steps:',
    '  fjord start                      run your own cloud and the drive in this terminal',
    '  fjord put -r ~/Pictures /Archive copy a folder into the drive',
    '  fjord flush                      wait until everything is in the cloud',
    '  fjord status --watch             see what it is doing',
    '',
    'Paths in the drive begin with /Sync, /Backup or /Archive. `fjord config` lists the settings.',
    '',
    'Exit codes:',
    ...exits,
  ].join('\n');
}

/** Makes Commander throw instead of exiting, and leave the printing of errors to `run.ts`. */
function quiet(command: Command, cli: Cli): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => void cli.terminal.stdout.write(text),
    writeErr: () => undefined,
  });
  command.showSuggestionAfterError(true);
  for (const child of command.commands) quiet(child, cli);
}
