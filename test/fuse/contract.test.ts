import t from 'tap';
import { fileSystemContract } from '../contract/file-system.ts';
import type { Rig } from '../contract/file-system/rig.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import { HOST_TRAITS, HostFs } from '../helpers/host-fs.ts';

const skip = withoutFuse();

t.test('over a mount whose file system answers at once', { skip }, async (t) => contract(t, false));
t.test('over a mount whose file system lets everybody wait', { skip }, async (t) => contract(t, true));

function contract(t: Parameters<typeof fileSystemContract>[0], slow: boolean): void {
  const mounted = async (): Promise<Rig> => {
    const mount = await FuseProcess.start({ slow });
    const fs = new HostFs(mount.dir);
    const teardown = async (): Promise<void> => {
      await mount.stop();
      t.equal(mount.errors, '', 'nothing was reported');
    };
    return { fs, folder: fs.root, teardown };
  };
  fileSystemContract(t, mounted, { ...HOST_TRAITS, runs: 20 });
}
