import { openSync, closeSync, writeSync } from 'node:fs';
import t from 'tap';
import { recoverWriting } from '../../../src/mounts/recovery/recovery.ts';
import { background as context } from '../../../src/vfs/context.ts';
import { openTestDrive } from '../../helpers/drive.ts';
import { temporary } from '../../helpers/temporary.ts';

const skip = (process.platform !== 'linux' || process.getuid?.() !== 0) && 'needs Linux and root';

t.test('writes through a dead mount do not change what is sent', { skip }, async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const { drive, parts } = rig;
  const { catalog, staging, journal } = parts;
  const handle = await drive.create('sync-root', 'f', {}, { read: false, write: true }, context);
  const backing = await handle.backing?.(context);
  if (backing === undefined) throw new Error('nothing was lent');
  // As the kernel does.
  const kernel = openSync(`/proc/self/fd/${backing.fd}`, 'r+');
  t.teardown(() => closeSync(kernel));
  writeSync(kernel, 'before');
  await recoverWriting(parts);
  writeSync(kernel, ' after');
  const entry = catalog.get(handle.node);
  t.equal(entry?.size, 6);
  const [put] = journal.of(handle.node);
  t.match(put, { staged: entry?.staged, version: entry?.version, writing: undefined });
  const file = await staging.open(entry?.staged ?? '');
  const into = Buffer.alloc(20);
  t.equal(await file.read(into, 0, context), 6);
  t.equal(into.toString('utf8', 0, 6), 'before');
});
