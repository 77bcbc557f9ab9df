import t, { type Test } from 'tap';
import type { BackupSet, OpenIssue, Shared } from '../../src/daemon/control/wire.ts';
import { IssueControls, type IssueControlsOptions } from '../../src/daemon/issue-controls.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import { background as context } from '../../src/vfs/context.ts';
import { openPair, type Pair, type TestDevice } from '../helpers/devices.ts';

function controls({ gateway }: TestDevice, options: Partial<IssueControlsOptions> = {}): IssueControls {
  return new IssueControls({
    gateway,
    backups: { list: () => [] },
    folders: { list: () => [] },
    shares: { list: async () => [] },
    mount: () => ({ dir: null, wish: undefined, problem: undefined }),
    email: 'a@b',
    cloudUrl: 'http://127.0.0.1:1',
    ...options,
  });
}

/** A file that was changed on both devices: the copy is on the second one. */
async function conflict({ a, b, netB, converge }: Pair, name = 'doc.txt'): Promise<void> {
  await a.write(`/Sync/${name}`, 'before');
  await converge();
  netB.offline = true;
  await b.write(`/Sync/${name}`, 'mine');
  await a.write(`/Sync/${name}`, 'theirs');
  await a.sync();
  netB.offline = false;
  await converge();
}

const contents = async (device: TestDevice): Promise<string[]> => Object.values(await device.tree()).sort();
const kinds = (issues: readonly OpenIssue[]): string[] => issues.map(({ kind }) => kind);

t.test('a conflict is listed and resolved', async (t) => {
  for (const [keep, left] of [
    ['mine', ['mine']],
    ['theirs', ['theirs']],
    ['both', ['mine', 'theirs']],
  ] as const) {
    await t.test(keep, async (t: Test) => {
      const pair = await openPair(t);
      const { a, b, converge } = pair;
      await conflict(pair);
      const issues = controls(b);
      const [issue, ...others] = await issues.list(context);
      if (issue === undefined) throw new Error('there is no issue');
      t.same(others, []);
      t.match(issue, {
        kind: 'conflict',
        path: /doc \(conflict, beta, .*\)\.txt$/,
        command: /^fjord resolve conflict-\w+ --keep mine$/,
      });
      await b.restart();
      const again = controls(b);
      t.equal((await again.list(context))[0]?.id, issue.id, 'the id stays');
      await again.resolve({ id: issue.id, keep }, context);
      t.same(await again.list(context), []);
      await t.rejects(again.resolve({ id: issue.id, keep }, context), { code: 'ENOENT', reason: /fjord issues/ });
      await converge();
      t.same(await contents(a), left);
      t.same(await contents(b), left);
      if (keep === 'mine') t.equal(await a.read('/Sync/doc.txt'), 'mine');
    });
  }
});

t.test('a conflict can be renamed instead, and is then no less one', async (t) => {
  const pair = await openPair(t);
  await conflict(pair);
  const issues = controls(pair.b);
  const [issue] = await issues.list(context);
  await issues.resolve({ id: issue?.id ?? '', rename: 'my doc.txt' }, context);
  t.equal(await pair.b.read('/Sync/my doc.txt'), 'mine');
  t.match(await issues.list(context), [{ id: issue?.id, path: '/Sync/my doc.txt' }]);
});

t.test('names are advice, and are renamed from there', async (t) => {
  const { a, b, converge } = await openPair(t);
  await a.write('/Sync/what?.txt', 'x');
  await a.write('/Sync/aux', 'y');
  await converge();
  const issues = controls(b);
  const listed = await issues.list(context);
  t.match(listed, { length: 2 });
  t.match(await issues.count(), { issues: 0, advice: 2 });
  for (const { id, kind, advice, command = '' } of listed) {
    t.match({ kind, advice }, { kind: 'name', advice: true });
    const [, , name, , better] = command.split(' ');
    t.equal(name, id);
    await issues.resolve({ id, rename: better ?? '' }, context);
  }
  t.same(await issues.list(context), []);
  await converge();
  t.equal(await a.read('/Sync/what_.txt'), 'x');
  t.equal(await a.read('/Sync/_aux'), 'y');
});

t.test('parked changes, pins without room and a revoked token', async (t) => {
  const pair = await openPair(t, { limits: { cacheBytes: 1000, minFree: 0 } });
  const { a, b, cloud, converge } = pair;
  await a.write('/Sync/big', 'x'.repeat(2000));
  await converge();
  const issues = controls(b);
  await b.gateway.pin('/Sync/big', true, context);
  await b.gateway.stack.keeper.idle();
  t.match(await issues.list(context), [
    { kind: 'pin', path: '/Sync/big', remedy: /cache\.size/, command: 'fjord pin' },
  ]);
  await b.gateway.pin('/Sync/big', false, context);

  cloud.disturb = (call, answer) => {
    if (call === 'commit' && !answer) throw new FsError('EACCES', call, { reason: 'the token was revoked' });
  };
  await b.write('/Sync/mine', 'text');
  for (let tries = 0; tries < 500 && !kinds(await issues.list(context)).includes('session'); tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  t.match(
    (await issues.list(context)).find(({ kind }) => kind === 'session'),
    {
      cause: /revoked/,
      command: 'fjord down --no-flush && fjord login a@b --cloud http://127.0.0.1:1',
    },
  );
  cloud.disturb = () => undefined;
  b.gateway.retry();
  await b.sync();
  t.same(await issues.list(context), [], 'it is over by itself');
});

t.test('backups and invitations, which are remembered while the cloud is out of reach', async (t) => {
  const { b } = await openPair(t);
  const set: BackupSet = {
    name: 'my docs',
    folder: '/home/docs',
    schedule: 'continuous',
    exclude: [],
    oneFileSystem: false,
    problems: 3,
    state: { doing: 'halted', reason: 'most of it is gone', ends: 'confirm' },
  };
  const invitation: Shared = { id: 's1', name: 'Team', owner: 'c@d', role: 'viewer', accepted: false, members: [] };
  let answer = async (): Promise<Shared[]> => [invitation];
  const gone: BackupSet = {
    ...set,
    name: 'gone',
    problems: 0,
    state: { doing: 'halted', reason: 'the folder cannot be read: EACCES: permission denied', ends: 'disk' },
  };
  const silent: BackupSet = { ...set, name: 'nas', problems: 0, state: { doing: 'running', silent: 34_000 } };
  const issues = controls(b, { backups: { list: () => [set, silent, gone] }, shares: { list: () => answer() } });
  const wanted = [
    { kind: 'backup', path: '/home/docs', cause: /most of it is gone/, command: 'fjord confirm' },
    { kind: 'backup', cause: /3 files/, command: "fjord backup log 'my docs'" },
    { kind: 'backup', cause: /"nas" waits: its disk has not answered for 34 s/, command: 'fjord backup status nas' },
    { kind: 'backup', cause: /EACCES/, remedy: /the right to read it/, command: 'fjord backup status gone' },
    { kind: 'invitation', path: 'Team', cause: /c@d .* viewer/, command: 'fjord accept s1', remedy: /decline/ },
  ];
  const first = await issues.list(context);
  t.match(first, { length: 5 });
  t.match(first, wanted);
  answer = () => Promise.reject(new FsError('EAGAIN', 'shares'));
  t.strictSame(await issues.list(context), first);
  await t.rejects(issues.resolve({ id: first[0]?.id ?? '', keep: 'mine' }, context), {
    code: 'EINVAL',
    reason: /fjord confirm/,
  });
});
