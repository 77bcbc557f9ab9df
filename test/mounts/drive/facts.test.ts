import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { openTestDrive } from '../../helpers/drive.ts';
import { temporary } from '../../helpers/temporary.ts';

const both = { read: true, write: true };

t.test('facts report the state of a node on its way to the cloud', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const { drive, parts } = rig;
  const handle = await drive.create('sync-root', 'f', {}, both, context);
  await handle.write(Buffer.from('x'), 0, context);
  await handle.close();
  const { node } = handle;
  const { version } = await drive.getattr(node, context);
  t.strictSame(drive.facts(node, context), { state: 'waiting', pinned: 'no', availability: 'uploading', version });
  const [put] = parts.journal.of(node);
  parts.journal.claim(put?.seq ?? 0);
  t.equal(drive.facts(node, context)['state'], 'sending');
  const entry = parts.catalog.get(node);
  if (put === undefined || entry === undefined) throw new Error('it was not promised');
  const { base: _base, staged: _staged, ...settled } = entry;
  const hash = 'ab'.repeat(32);
  await parts.writer.write([
    parts.journal.remove(put.seq),
    parts.catalog.update({ ...settled, hash, remote: version, rev: 1 }),
  ]);
  const synced = { state: 'synced', pinned: 'no', availability: 'online-only', version, sha256: hash };
  t.strictSame(drive.facts(node, context), synced);
  const litter = await drive.create('sync-root', '.DS_Store', {}, both, context);
  await litter.close();
  t.equal(drive.facts(litter.node, context)['state'], 'local');
  t.strictSame(drive.facts('sync-root', context), { state: 'synced', pinned: 'no' });
});

t.test('a file that was removed and is open can be opened again', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const { drive } = rig;
  const first = await drive.create('sync-root', 'f', {}, both, context);
  await first.write(Buffer.from('one'), 0, context);
  await drive.unlink('sync-root', 'f', context);
  const second = await drive.open(first.node, both, context);
  await second.write(Buffer.from('two'), 3, context);
  await second.close();
  const into = Buffer.alloc(10);
  t.equal(await first.read(into, 0, context), 6);
  t.equal(into.toString('utf8', 0, 6), 'onetwo');
  await first.close();
  await t.rejects(async () => drive.open(first.node, both, context), { code: 'ESTALE' });
});
