import t, { type Test } from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { gatewayIssues } from '../../../src/daemon/issues/gateway-issues.ts';
import { sharedRig, type SharedRig } from '../../helpers/shared-rig.ts';

t.setTimeout(240_000);

const FILES = 150;

/** A shared folder with many files. */
async function filled(t: Test): Promise<SharedRig> {
  const rig = await sharedRig(t);
  await rig.ada.device.mkdir('/Sync/Team');
  await rig.ada.device.mkdir('/Sync/Team/sub');
  for (let i = 0; i < FILES; i++) await rig.ada.device.write(`/Sync/Team/sub/${i}`, `file ${i}`);
  await rig.share();
  return rig;
}

t.test("what a member's `rm -r` of a shared folder removes comes back from the Trash of its owner", async (t) => {
  const { ada, bob, rest } = await filled(t);
  const before = await ada.device.tree();
  // As `rm -r` does: files, then the folder of them, then the shared folder, by which the member leaves.
  for (let i = 0; i < FILES; i++) await bob.device.unlink(`/Sync/Team/sub/${i}`);
  await bob.device.removeTree('/Sync/Team/sub');
  await bob.device.removeTree('/Sync/Team');
  await bob.device.sync();
  t.same(await bob.device.tree(), {});
  t.same(await bob.remote.shares(context), [], 'who removes the folder has left it');
  await ada.device.sync();
  t.match(
    ada.device.gateway.status().held,
    [{ files: FILES, by: ['bob@example.org'] }],
    'the computer of its owner asks first',
  );
  const [found] = await gatewayIssues(ada.device.gateway, []);
  t.match(found?.issue.remedy, /`fjord trash restore --by bob@example.org --since 20[^ ]+Z`/);
  t.same(await ada.device.tree(), before);
  ada.device.gateway.confirm();
  await ada.device.sync();
  t.same(await ada.device.tree(), { '/Sync/Team/': '' });
  t.match(await ada.device.gateway.restoreRemoved({ by: 'carol@example.org' }, context), { items: 0 });
  t.match(await ada.device.gateway.restoreRemoved({ by: 'Bob@example.org' }, context), {
    items: FILES + 1,
    failures: { length: 0 },
  });
  await rest();
  t.same(await ada.device.tree(), before);
});
