import t from 'tap';
import { fileSystemContract } from '../../contract/file-system.ts';
import { openTestDrive } from '../../helpers/drive.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(500_000);

t.test('the drive, in /Sync', (t) => {
  const dir = temporary(t);
  fileSystemContract(t, async () => {
    const rig = await openTestDrive(dir);
    return { fs: rig.drive, folder: 'sync-root', teardown: () => rig.close() };
  });
  t.end();
});
