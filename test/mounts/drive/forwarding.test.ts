import t from 'tap';
import { Guard } from '../../../src/mounts/drive/guard.ts';
import { VersionsFolder } from '../../../src/mounts/versions/versions-folder.ts';
import { ForwardingFileSystem } from '../../../src/vfs/forwarding-file-system.ts';

/** What a layer may pass on as it is; whatever else the port has, or gets, the layer has to decide about. */
const layers = [
  {
    layer: Guard,
    passed: ['facts', 'getattr', 'hold', 'lookup', 'readlink', 'statfs', 'sync', 'watch', 'xattrs'],
  },
  { layer: VersionsFolder, passed: ['sync', 'watch'] },
];

for (const { layer, passed } of layers) {
  t.test(`${layer.name} decides about every call that it does not just pass on`, async (t) => {
    const own = new Set(Object.getOwnPropertyNames(layer.prototype));
    const port = Object.getOwnPropertyNames(ForwardingFileSystem.prototype);
    t.strictSame(port.filter((name) => !own.has(name)).toSorted(), passed);
  });
}
