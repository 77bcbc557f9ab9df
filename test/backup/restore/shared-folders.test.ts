import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Restore } from '../../../src/backup/restore/restore.ts';
import { HttpRemote } from '../../../src/cloud/http/http-remote.ts';
import type { Intent, SpaceRecord } from '../../../src/cloud/records.ts';
import { background } from '../../../src/vfs/context.ts';
import { newId } from '../../../src/vfs/ids.ts';
import { login, startTestCloud } from '../../helpers/cloud.ts';
import { contentOf, mkdir, put, type Place } from '../../helpers/intents.ts';
import { temporary } from '../../helpers/temporary.ts';

const { signal } = background;
const PASSWORD = 'long enough it is';

/** Two accounts and a clock. */
async function open(t: Test) {
  const clock = { now: 1_700_000_000_000 };
  const { cloud, url, login: token } = await startTestCloud(t, { now: () => clock.now });
  await cloud.accounts.add('bob@example.org', PASSWORD);
  const ada = new HttpRemote({ url, token: await token() });
  const bob = new HttpRemote({ url, token: await login(url, 'bob@example.org', PASSWORD) });
  t.teardown(async () => void (await Promise.all([ada.close(), bob.close()])));
  return { clock, ada, bob };
}

async function syncOf(remote: HttpRemote): Promise<SpaceRecord> {
  return (await remote.spaces(background)).find(({ kind }) => kind === 'sync') as SpaceRecord;
}

/** What a restore writes: texts of files by their paths. */
async function restored(t: Test, remote: HttpRemote, path: string, at?: number): Promise<Record<string, string>> {
  const target = join(temporary(t), 'out');
  const restore = await Restore.prepare({ remote, path, at, only: [], signal });
  const ignore = () => undefined;
  const observer = { received: ignore, done: ignore, failed: (_: unknown, error: Error) => t.error(error) };
  await restore.write({ target, overwrite: false, dryRun: false, observer });
  t.same(restore.lacks, []);
  const files = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const texts = files.map(({ parentPath, name }) => {
    const file = join(parentPath, name);
    return [file.slice(target.length + 1), readFileSync(file, 'utf8')] as const;
  });
  return Object.fromEntries(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

t.test('shared folders are restored where the account has them, also as they were', async (t) => {
  const { clock, ada, bob } = await open(t);
  const { id: space, root } = await syncOf(ada);
  const wait = (): number => (clock.now += 60_000);
  const run = async (remote: HttpRemote, ...intents: Intent[]): Promise<void> => {
    for (const { status } of await remote.commit(intents, background)) t.equal(status, 'done');
  };
  const write = async (remote: HttpRemote, place: Place, text: string): Promise<string> => {
    const { wire, blocks } = contentOf(Buffer.from(text));
    await remote.upload(blocks, background);
    const intent = put(place, wire, { node: newId(clock.now) });
    await run(remote, intent);
    return intent.node;
  };
  const projects = mkdir({ space, parent: root, name: 'projects' }, { node: newId(clock.now) });
  const team = mkdir({ space, parent: projects.node, name: 'Team' }, { node: newId(clock.now) });
  await run(ada, projects, team);
  await write(ada, { space, parent: team.node, name: 'plan' }, 'the plan');
  const note = { space, parent: root, name: 'note' };
  const node = await write(ada, note, 'a note');
  const alone = wait();
  wait();
  const share = await ada.share(team.node, 'bob@example.org', 'editor', background);
  await bob.acceptShare(share.space, background);
  const shared = (await bob.spaces(background)).find(({ kind }) => kind === 'shared') as SpaceRecord;
  wait();
  const inside = { space: shared.id, parent: shared.root };
  await write(bob, { ...inside, name: 'answer' }, 'of bob');
  const to = { targetSpace: shared.id, parent: shared.root, name: 'note' };
  await run(ada, { op: 'move', id: newId(clock.now), space, node, ...to, from: { parent: root, name: 'note' } });
  wait();
  const all = { answer: 'of bob', note: 'a note', plan: 'the plan' };
  const under = (prefix: string, files: Record<string, string>) =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`${prefix}/${path}`, text]));

  t.same(await restored(t, ada, '/Sync/projects/Team'), all);
  t.same(await restored(t, ada, '/Sync'), under('projects/Team', all));
  t.same(await restored(t, bob, '/Sync'), under('Team', all));
  t.same(await restored(t, bob, '/Sync/Team/answer'), { answer: 'of bob' });
  t.same(await restored(t, ada, '/Sync', alone), { note: 'a note', 'projects/Team/plan': 'the plan' });
});
