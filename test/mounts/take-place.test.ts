import t from 'tap';
import { background as context } from '../../src/vfs/context.ts';
import type { Attr } from '../../src/vfs/node.ts';
import { takePlace } from '../../src/webdav/take-place.ts';
import { openTestDrive } from '../helpers/drive.ts';
import { addRemoteFile, addRemoteFolder } from '../helpers/remote-entries.ts';
import { temporary } from '../helpers/temporary.ts';

t.test('a node replaces a tree in one turn, and so in one batch', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const { guard, parts } = rig;
  const old = await addRemoteFolder(rig, { space: 'sync', parent: 'sync-root', name: 'old' });
  await addRemoteFile(rig, { space: 'sync', parent: old.id, name: 'inside' }, 'x');
  const fresh = await guard.mkdir('sync-root', 'new', {}, context);
  const from = { parent: 'sync-root', name: 'new' };
  const to = { parent: 'sync-root', name: 'old' };
  const taking = takePlace(guard, from, to, context);
  const now = guard.lookup('sync-root', 'old', context) as Attr;
  t.equal(now.id, fresh.id, 'before any wait');
  await taking;
  const ops = [...parts.journal.all()].map(({ op, node }) => [op, node === old.id ? 'old' : 'new']);
  t.same(
    ops.filter(([op]) => op === 'remove'),
    [['remove', 'old']],
  );
});

t.test('if the target may not be removed, both nodes stay', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const { guard } = rig;
  await addRemoteFolder(rig, { space: 'archive', parent: 'archive-root', name: 'sealed' });
  await guard.mkdir('archive-root', 'new', {}, context);
  const from = { parent: 'archive-root', name: 'new' };
  const to = { parent: 'archive-root', name: 'sealed' };
  await t.rejects(takePlace(guard, from, to, context), { code: 'EPERM' });
  t.equal((guard.lookup('archive-root', 'new', context) as Attr).kind, 'folder');
  t.equal((guard.lookup('archive-root', 'sealed', context) as Attr).kind, 'folder');
});
