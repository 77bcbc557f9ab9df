import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlClient } from '../../src/daemon/control/client.ts';
import type { BackupSet } from '../../src/daemon/control/wire.ts';
import { dataDir } from '../../src/daemon/data-dir.ts';
import type { Fjord } from './gateway-process.ts';

/** ms */
const TIMEOUT = 60_000;

/** Files of a mirror and their contents, by paths in the order of names, as the drive shows them. */
export async function mirror(fjord: Fjord, set: string): Promise<Record<string, string>> {
  return controls(fjord, async (client) => {
    const contents: Record<string, string> = {};
    for await (const { path, kind } of client.list({ path: '/Backup', recursive: true })) {
      const [, , , name, ...rest] = path.split('/');
      if (kind !== 'file' || name !== set) continue;
      const file = await client.readIfThere({ path });
      if (file) contents[rest.join('/')] = await text(file.body);
    }
    return Object.fromEntries(Object.entries(contents).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Asks until the mirror is as it should be. @returns what it was at last */
export async function becomes(
  fjord: Fjord,
  set: string,
  wanted: Record<string, string>,
): Promise<Record<string, string>> {
  for (const until = Date.now() + TIMEOUT; ; await sleep(200)) {
    const seen = await mirror(fjord, set);
    if (JSON.stringify(seen) === JSON.stringify(wanted) || Date.now() > until) return seen;
  }
}

export async function stateOf(fjord: Fjord, set: string): Promise<BackupSet['state']> {
  const sets = await controls(fjord, (client) => client.backups());
  const found = sets.find(({ name }) => name === set);
  if (!found) throw new Error(`there is no set ${set}`);
  return found.state;
}

/** Asks until the set does that. @returns what it did at last */
export async function comesTo(
  fjord: Fjord,
  set: string,
  doing: BackupSet['state']['doing'],
): Promise<BackupSet['state']> {
  for (const until = Date.now() + TIMEOUT; ; await sleep(200)) {
    const state = await stateOf(fjord, set);
    if (state.doing === doing || Date.now() > until) return state;
  }
}

/** Asks the gateway over its control socket. */
export async function controls<T>(fjord: Fjord, question: (client: ControlClient) => Promise<T>): Promise<T> {
  const dir = dataDir(fjord.data);
  const client = new ControlClient(dir.controlSocket, dir.root, new AbortController().signal);
  try {
    return await question(client);
  } finally {
    await client.close();
  }
}
