import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { HttpRemote } from '../../../src/cloud/http/http-remote.ts';
import { background as context } from '../../../src/vfs/context.ts';
import type { TestDevice } from '../../helpers/devices.ts';
import { sharedRig } from '../../helpers/shared-rig.ts';

t.setTimeout(240_000);

async function team(ada: TestDevice): Promise<void> {
  await ada.mkdir('/Sync/Team');
  await ada.mkdir('/Sync/Team/sub');
  await ada.write('/Sync/Team/report', 'from ada');
  await ada.write('/Sync/Team/sub/inner', 'inside');
}

t.test('a shared folder appears in the Sync of its members, and all changes reach all', async (t) => {
  const { ada, bob, open, rest, share } = await sharedRig(t);
  await team(ada.device);
  await share();
  const shown = {
    '/Sync/Team/': '',
    '/Sync/Team/report': 'from ada',
    '/Sync/Team/sub/': '',
    '/Sync/Team/sub/inner': 'inside',
  };
  t.same(await bob.device.tree(), shown);
  t.same(await ada.device.tree(), shown, 'and is where it was for its owner');
  await bob.device.write('/Sync/Team/sub/new', 'from bob');
  await bob.device.write('/Sync/Team/report', 'changed by bob');
  await bob.device.mkdir('/Sync/Team/made');
  await rest();
  t.equal(await ada.device.read('/Sync/Team/sub/new'), 'from bob');
  t.equal(await ada.device.read('/Sync/Team/report'), 'changed by bob');
  await ada.device.write('/Sync/Team/made/f', 'from ada again');
  await ada.device.unlink('/Sync/Team/sub/inner');
  await ada.device.rename('/Sync/Team/report', '/Sync/Team/made/report');
  await rest();
  t.same(await bob.device.tree(), await ada.device.tree());
  t.notOk(await bob.device.exists('/Sync/Team/sub/inner'), 'what is deleted is deleted for all');
  for (const account of ['ada', 'bob'] as const) {
    const fresh = await open(account, `${account}-2`);
    t.same(await fresh.device.tree(), await ada.device.tree(), `a new computer of ${account} shows the same`);
  }
  for (const one of [ada, bob]) {
    await one.device.restart();
    await one.device.sync();
    t.same((await one.device.gateway.issues()).count, 0);
    t.equal(one.device.gateway.status().parked ?? 0, 0);
  }
  t.same(await bob.device.tree(), await ada.device.tree());
});

t.test('each member places and renames the folder alone', async (t) => {
  const { ada, bob, rest, share } = await sharedRig(t);
  await team(ada.device);
  await share();
  await bob.device.mkdir('/Sync/Work');
  await bob.device.rename('/Sync/Team', '/Sync/Work/Theirs');
  await ada.device.rename('/Sync/Team', '/Sync/Ours');
  await bob.device.write('/Sync/Work/Theirs/x', 'x');
  await ada.device.write('/Sync/Ours/y', 'y');
  await rest();
  t.equal(await ada.device.read('/Sync/Ours/x'), 'x');
  t.equal(await bob.device.read('/Sync/Work/Theirs/y'), 'y');
  t.notOk(await bob.device.exists('/Sync/Team'));
  await t.rejects(bob.device.removeTree('/Sync/Work'), { code: 'EPERM' });
  await t.rejects(ada.device.removeTree('/Sync/Ours'), { code: 'EPERM' });
  await bob.device.removeTree('/Sync/Work/Theirs');
  await rest();
  t.same(await bob.device.tree(), { '/Sync/Work/': '' }, 'removing it is leaving');
  t.equal(await ada.device.read('/Sync/Ours/sub/inner'), 'inside', 'and removes nothing');
  t.same((await bob.remote.shares(context)).length, 0);
});

t.test('a viewer is refused every change at once', async (t) => {
  const { ada, bob, rest, share } = await sharedRig(t);
  await team(ada.device);
  await bob.device.write('/Sync/mine', 'mine');
  await share('/Sync/Team', 'viewer');
  const { device } = bob;
  t.equal(await device.read('/Sync/Team/sub/inner'), 'inside');
  const refused = { code: 'EROFS' };
  await t.rejects(device.write('/Sync/Team/new', 'x'), refused);
  await t.rejects(device.write('/Sync/Team/report', 'x'), refused);
  await t.rejects(device.mkdir('/Sync/Team/sub/d'), refused);
  await t.rejects(device.unlink('/Sync/Team/report'), refused);
  await t.rejects(device.removeTree('/Sync/Team/sub'), refused);
  await t.rejects(device.rename('/Sync/Team/report', '/Sync/Team/other'), refused);
  await t.rejects(device.rename('/Sync/Team/report', '/Sync/report'), refused, 'nor may it be taken out');
  await t.rejects(device.rename('/Sync/mine', '/Sync/Team/mine'), refused);
  const { id } = await device.stat('/Sync/Team/report');
  await t.rejects(async () => device.fs.setattr(id, { mode: 0o600 }, context), refused);
  await t.rejects(async () => device.fs.open(id, { read: false, write: true }, context), refused);
  t.equal(device.gateway.stack.journal.size, 0);
  await device.rename('/Sync/Team', '/Sync/Read');
  await rest();
  t.equal(await device.read('/Sync/Read/report'), 'from ada', 'only its own place');
});

t.test('nodes move into, out of and between shared folders, and no bytes are sent', async (t) => {
  const { ada, bob, rest, share } = await sharedRig(t);
  await team(ada.device);
  await share();
  await bob.device.mkdir('/Sync/Bobs');
  await bob.device.mkdir('/Sync/Bobs/tree');
  await bob.device.write('/Sync/Bobs/tree/leaf', 'a leaf');
  await bob.device.write('/Sync/own', 'his own');
  await bob.device.sync();
  const uploads = spyUploads(bob.remote);
  const { id } = await bob.device.stat('/Sync/own');
  await bob.device.rename('/Sync/own', '/Sync/Team/sub/own');
  t.equal((await bob.device.stat('/Sync/Team/sub/own')).id, id, 'it is the same node');
  await bob.device.rename('/Sync/Bobs/tree', '/Sync/Team/tree');
  await bob.device.rename('/Sync/Team/report', '/Sync/Bobs/report');
  await rest();
  t.equal(uploads.count, 0);
  t.equal(await ada.device.read('/Sync/Team/sub/own'), 'his own');
  t.equal(await ada.device.read('/Sync/Team/tree/leaf'), 'a leaf');
  t.notOk(await ada.device.exists('/Sync/Team/report'), 'it has left the folder');
  t.equal(await bob.device.read('/Sync/Bobs/report'), 'from ada');
  await ada.device.write('/Sync/Team/tree/leaf', 'changed by ada');
  await bob.device.write('/Sync/Team/tree/second', 'by bob');
  await rest();
  t.equal(await bob.device.read('/Sync/Team/tree/leaf'), 'changed by ada');
  t.equal(await ada.device.read('/Sync/Team/tree/second'), 'by bob');

  await bob.device.write('/Sync/unsent', 'written and moved at once');
  await bob.device.rename('/Sync/unsent', '/Sync/Team/unsent');
  await bob.device.mkdir('/Sync/fresh');
  await bob.device.write('/Sync/fresh/f', 'in a new folder');
  await bob.device.rename('/Sync/fresh', '/Sync/Team/fresh');
  await bob.device.write('/Sync/Team/fresh/g', 'after the move');
  await bob.device.rename('/Sync/Team/tree', '/Sync/tree');
  await bob.device.write('/Sync/tree/third', 'after it left');
  await rest();
  t.equal(await ada.device.read('/Sync/Team/unsent'), 'written and moved at once');
  t.same(Object.fromEntries(Object.entries(await ada.device.tree('/Sync/Team/fresh'))), {
    '/Sync/Team/fresh/f': 'in a new folder',
    '/Sync/Team/fresh/g': 'after the move',
  });
  t.notOk(await ada.device.exists('/Sync/Team/tree'));
  t.same(Object.keys(await bob.device.tree('/Sync/tree')), [
    '/Sync/tree/leaf',
    '/Sync/tree/second',
    '/Sync/tree/third',
  ]);
  await bob.device.write('/Sync/over', 'replaces it');
  await bob.device.rename('/Sync/over', '/Sync/Team/unsent');
  await rest();
  t.equal(await ada.device.read('/Sync/Team/unsent'), 'replaces it');
  await t.rejects(
    bob.device.rename('/Sync/Team', '/Sync/Bobs/Team').then(() => bob.device.rename('/Sync/Bobs', '/Archive/x')),
    {
      code: 'EXDEV',
    },
  );
  await rest();
  for (const { device } of [ada, bob]) {
    t.equal(device.gateway.stack.journal.size, 0);
    t.same((await device.gateway.issues()).first, []);
  }
});

t.test('a revoked member loses the folder, and keeps what was not sent in a folder that an issue names', async (t) => {
  const { ada, bob, share } = await sharedRig(t);
  await team(ada.device);
  const space = await share();
  t.equal(await bob.device.read('/Sync/Team/report'), 'from ada');
  await bob.net.stop();
  await bob.device.write('/Sync/Team/report', 'changed offline');
  await bob.device.write('/Sync/Team/sub/new', 'new offline');
  await bob.device.write('/Sync/own', 'his own');
  await ada.remote.revokeShare(space, 'bob@example.org', context);
  await bob.net.start();
  await until(async () => !(await bob.device.exists('/Sync/Team')));
  await bob.device.sync();
  t.same(await bob.device.tree(), { '/Sync/own': 'his own' });
  const { count, first } = await bob.device.gateway.issues();
  t.equal(count, 1);
  const [issue] = first;
  t.match(issue, { path: '/Sync/Team', reason: /not shared with this account any more; 2 unsent changes are in / });
  const rescued = issue?.rescued ?? '';
  t.equal(readFileSync(join(rescued, 'report'), 'utf8'), 'changed offline');
  t.equal(readFileSync(join(rescued, 'sub/new'), 'utf8'), 'new offline');
  t.same(readdirSync(rescued).sort(), ['report', 'sub']);
  t.equal(await ada.device.read('/Sync/Team/report'), 'from ada');
  t.equal(bob.device.gateway.stack.journal.size, 0);
  await bob.device.restart();
  await bob.device.sync();
  t.same(await bob.device.tree(), { '/Sync/own': 'his own' });
});

t.test(
  'what was rescued before stays when the folder is revoked once more, also if that is learnt twice at a time',
  async (t) => {
    const { ada, bob, share } = await sharedRig(t);
    await team(ada.device);
    const rescued = async (): Promise<string> => {
      const { first } = await bob.device.gateway.issues();
      return first.findLast(({ path }) => path === '/Sync/Team')?.rescued ?? '';
    };
    const revoked = async (text: string): Promise<string> => {
      const space = await share();
      await bob.net.stop();
      for (let i = 0; i < 20; i++) await bob.device.write(`/Sync/Team/unsent ${i}`, text);
      await ada.remote.revokeShare(space, 'bob@example.org', context);
      await bob.net.start();
      const pulls = [1, 2, 3].map(() => bob.device.gateway.pull(context));
      // One that begins while a connection ends may fail; it is repeated.
      await Promise.allSettled(pulls);
      await until(async () => !(await bob.device.exists('/Sync/Team')));
      await bob.device.sync();
      return rescued();
    };
    const first = await revoked('the first time');
    const second = await revoked('the second time');
    for (const [dir, text] of [
      [first, 'the first time'],
      [second, 'the second time'],
    ] as const) {
      for (let i = 0; i < 20; i++) t.equal(readFileSync(join(dir, `unsent ${i}`), 'utf8'), text);
    }
  },
);

t.test('when the owner stops sharing, the folder is an ordinary one again', async (t) => {
  const { ada, bob, rest, share } = await sharedRig(t);
  await team(ada.device);
  const space = await share();
  const before = await ada.device.tree();
  await ada.remote.unshare(space, context);
  await until(async () => !(await bob.device.exists('/Sync/Team')));
  await rest();
  t.same(await ada.device.tree(), before);
  await ada.device.write('/Sync/Team/report', 'after');
  await ada.device.rename('/Sync/Team/sub', '/Sync/sub');
  await rest();
  t.equal(ada.device.gateway.stack.journal.size, 0);
  await ada.device.removeTree('/Sync/Team');
  await rest();
  t.same(await ada.device.tree(), { '/Sync/sub/': '', '/Sync/sub/inner': 'inside' });
});

t.test('changes that waited while their folder was shared elsewhere arrive in the shared folder', async (t) => {
  const { ada, bob, open, rest, share } = await sharedRig(t);
  await team(ada.device);
  await ada.device.sync();
  const other = await open('ada', 'ada-2');
  await other.net.stop();
  await other.device.write('/Sync/Team/report', 'changed offline');
  await other.device.write('/Sync/Team/sub/new', 'new offline');
  await other.device.rename('/Sync/Team/sub/inner', '/Sync/Team/moved');
  await share();
  await other.net.start();
  await other.device.sync();
  await rest();
  await other.device.sync();
  t.equal(await bob.device.read('/Sync/Team/report'), 'changed offline');
  t.equal(await bob.device.read('/Sync/Team/sub/new'), 'new offline');
  t.equal(await bob.device.read('/Sync/Team/moved'), 'inside');
  t.same(await ada.device.tree(), await bob.device.tree());
  t.same(await other.device.tree(), await bob.device.tree(), 'and nothing is there twice');
});

/** Counts the blocks that are uploaded from now on. */
function spyUploads(remote: HttpRemote): { count: number } {
  const seen = { count: 0 };
  const upload = remote.upload.bind(remote);
  remote.upload = async (blocks, ...rest) => {
    seen.count += blocks.length;
    return await upload(blocks, ...rest);
  };
  return seen;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > 600) throw new Error('it did not happen');
    await sleep(50);
  }
}
