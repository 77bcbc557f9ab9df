import t, { type Test } from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { openTestDrive, type TestDrive } from '../../helpers/drive.ts';
import { temporary } from '../../helpers/temporary.ts';

const rw = { read: true, write: true };

t.test('a file that was replaced and removed while it was open leaves nothing when it is closed', async (t) => {
  const { drive, parts } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await replace(drive, 'f', 'replaced');
  await drive.unlink('sync-root', 'f', context);
  await handle.close();
  await isEmpty(parts);
});

t.test('the same of a file that stays on this computer', async (t) => {
  const { drive, parts } = await start(t);
  const handle = await drive.create('sync-root', '.DS_Store', {}, rw, context);
  await replace(drive, '.DS_Store', 'replaced');
  await drive.unlink('sync-root', '.DS_Store', context);
  await handle.close();
  await isEmpty(parts);
});

t.test('a staged file goes with the last intent that names it if nothing else does', async (t) => {
  const { drive, parts } = await start(t);
  await replace(drive, 'f', 'sent');
  const [put] = parts.journal.all();
  parts.journal.claim(put?.seq ?? 0);
  await drive.unlink('sync-root', 'f', context);
  t.same(await parts.staging.ids(), [put?.staged], 'it is being sent');
  await parts.writer.write([...parts.journal.all()].map(({ seq }) => parts.journal.remove(seq)));
  await isEmpty(parts);
});

t.test('what an entry still shows stays when its intent goes', async (t) => {
  const { drive, parts } = await start(t);
  await replace(drive, 'f', 'kept');
  const [put] = parts.journal.all();
  await parts.writer.write([parts.journal.remove(put?.seq ?? 0)]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.same(await parts.staging.ids(), [put?.staged]);
});

t.test('what is held stays, and what is open without a name stays until it is closed', async (t) => {
  const { drive, parts, stagedCollector } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('open'), 0, context);
  const [staged = ''] = await parts.staging.ids();
  await drive.unlink('sync-root', 'f', context);
  const release = stagedCollector.hold(staged);
  await handle.write(Buffer.from('!'), 4, context);
  await handle.close();
  t.same(await parts.staging.ids(), [staged]);
  release();
  await stagedCollector.collect(handle.node, staged);
  await isEmpty(parts);
});

async function replace(drive: TestDrive['drive'], name: string, content: string): Promise<void> {
  const draft = drive.draft('sync-root', name, {}, context);
  await draft.append(Buffer.from(content), context);
  await draft.commit({}, context);
}

async function isEmpty({ staging }: TestDrive['parts']): Promise<void> {
  while ((await staging.ids()).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function start(t: Test): Promise<TestDrive> {
  const rig = await openTestDrive(await temporary(t));
  t.teardown(() => rig.close());
  return rig;
}
