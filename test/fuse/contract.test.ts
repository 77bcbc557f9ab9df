import t from 'tap';
import { fileSystemContract } from '../contract/file-system.ts';
import type { Rig } from '../contract/file-system/rig.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import type { ServeOptions } from '../helpers/fuse-serve.ts';
import { HOST_TRAITS, HostFs } from '../helpers/host-fs.ts';

t.setTimeout(500_000);

const skip = withoutFuse();

t.test('over a mount of a synchronous file system', { skip }, async (t) => contract(t, {}));
t.test('over a mount of an asynchronous file system', { skip }, async (t) => contract(t, { slow: true }));
t.test('over a mount with passthrough', { skip }, async (t) => contract(t, { files: t.testdir() }));
t.test('over a mount with passthrough of an asynchronous file system', { skip }, async (t) =>
  contract(t, { files: t.testdir(), slow: true }),
);

function contract(t: Parameters<typeof fileSystemContract>[0], options: ServeOptions): void {
  const mounted = async (): Promise<Rig> => {
    const mount = await FuseProcess.start(options);
    const fs = new HostFs(mount.dir);
    const teardown = async (): Promise<void> => {
      await mount.stop();
      t.equal(mount.errors, '', 'no error was logged');
    };
    return { fs, folder: fs.root, teardown };
  };
  fileSystemContract(t, mounted, { ...HOST_TRAITS, runs: 20 });
}
