import { join } from 'node:path';
import t from 'tap';
import { Gateway } from '../../src/mounts/gateway.ts';
import { background } from '../../src/vfs/context.ts';
import { fileSystemContract } from '../contract/file-system.ts';
import { DirectCloud } from '../helpers/direct-cloud.ts';
import { temporary } from '../helpers/temporary.ts';

const log = { info: () => undefined, warn: (details: object) => console.error(details) };

t.test('the drive of a gateway, in /Sync, while all of it goes up', (t) => {
  const dir = temporary(t);
  fileSystemContract(t, async () => {
    const cloud = await DirectCloud.open(dir);
    const remote = await cloud.device('laptop');
    const limits = { cacheBytes: 1e9, minFree: 0 };
    const gateway = await Gateway.open({ dir: join(dir, 'gateway'), remote, device: remote.self, limits, log });
    await gateway.pull(background);
    const { id } = await gateway.fs.lookup(gateway.fs.root, 'Sync', background);
    const teardown = async (): Promise<void> => {
      await gateway.flush('/');
      t.match(gateway.status(), { queued: 0, parked: 0 });
      await gateway.close();
      await cloud.close();
    };
    return { fs: gateway.fs, folder: id, teardown };
  });
  t.end();
});
