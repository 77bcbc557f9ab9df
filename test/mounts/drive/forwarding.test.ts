import t from 'tap';
import { Guard } from '../../../src/mounts/drive/guard.ts';
import { VersionsFolder } from '../../../src/mounts/versions/versions-folder.ts';
import { ForwardingFileSystem } from '../../../src/vfs/forwarding-file-system.ts';

/**
 * Methods that a layer may forward unchanged. It must implement all other methods of the port, including future ones.
 */
const layers = [
  {
    layer: Guard,
    passed: ['facts', 'getattr', 'hold', 'lookup', 'readlink', 'statfs', 'sync', 'watch', 'xattrs'],
  },
  { layer: VersionsFolder, passed: ['sync', 'watch'] },
];

for (const { layer, passed } of layers) {
  t.test(`${layer.name} implements every method that it may not just forward`, async (t) => {
    const own = new Set(Object.getOwnPropertyNames(layer.prototype));
    const port = Object.getOwnPropertyNames(ForwardingFileSystem.prototype);
    t.strictSame(port.filter((name) => !own.has(name)).toSorted(), passed);
  });
}
