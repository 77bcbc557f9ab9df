import type { FolderWait, SyncedFolder } from '../control/wire.ts';
import { type Found, issueId, word } from './issue-parts.ts';

/** What of the synced folders needs a person. */
export function folderIssues(folders: readonly SyncedFolder[]): Found[] {
  return folders.flatMap((one) => [...stateIssues(one), ...problemIssues(one)]);
}

function stateIssues({ folder, remote, state }: SyncedFolder): Found[] {
  if (state.doing !== 'halted' && state.doing !== 'failing') return [];
  const verb = state.doing === 'halted' ? 'waits' : 'fails';
  const [remedy, command] = state.doing === 'halted' ? REMEDIES[state.why] : FAILING;
  const cause = `syncing it with ${remote} ${verb}: ${state.reason}`;
  return [
    {
      issue: {
        id: issueId('folder', folder),
        kind: 'folder',
        path: folder,
        cause,
        remedy,
        command: command(word(folder)),
      },
    },
  ];
}

const FAILING = ['remove the cause; it is tried again by itself', () => 'fjord sync list'] as const;

const REMEDIES: Readonly<Record<FolderWait, readonly [remedy: string, command: (folder: string) => string]>> = {
  gone: [
    'mount its disk, or put the folder back where it was, and it goes on by itself; or stop syncing it, which keeps all files, and add it where it is now',
    giveUp,
  ],
  'remote-gone': [
    'restore that folder from the Trash (`fjord trash`); or stop syncing this one, which keeps its files',
    giveUp,
  ],
  full: ['free some space on that disk, and it goes on by itself', (folder) => `df -h ${folder}`],
  removal: ['if that was meant, confirm it; if not, put the files back', () => 'fjord confirm'],
};

function giveUp(folder: string): string {
  return `fjord sync remove ${folder}`;
}

/** One for each path, as far as they are named, and one for the rest. */
function problemIssues({ folder, problems, named }: SyncedFolder): Found[] {
  const issue = (key: string, path: string, cause: string): Found => ({
    issue: {
      id: issueId('folder', `${folder}/${key}`),
      kind: 'folder',
      path,
      cause,
      remedy: 'everything else is synced; when the cause is removed, this is synced by itself',
      command: 'fjord sync list',
    },
  });
  const found = named.map(({ path, reason }) => issue(path, `${folder}/${path}`, `it is not synced: ${reason}`));
  const rest = problems - named.length;
  return rest <= 0 ? found : [...found, issue('', folder, `${rest} more files or folders in it are not synced`)];
}
