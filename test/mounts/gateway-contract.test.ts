import { join } from 'node:path';
import t from 'tap';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import { Gateway } from '../../src/mounts/gateway.ts';
import { background as context } from '../../src/vfs/context.ts';
import { fileSystemContract } from '../contract/file-system.ts';
import { startTestCloud } from '../helpers/cloud.ts';
import { temporary } from '../helpers/temporary.ts';

const log = { info: () => undefined, warn: (details: object) => console.error(details) };

t.setTimeout(500_000);

t.test('the drive of a gateway, in /Sync, while everything is uploaded', (t) => {
  fileSystemContract(t, async () => {
    const cloud = await startTestCloud(t);
    const remote = new HttpRemote({ url: cloud.url, token: await cloud.login() });
    const device = await remote.device(context);
    const limits = { cacheBytes: 1e9, minFree: 0 };
    const gateway = await Gateway.open({ dir: join(temporary(t), 'gateway'), remote, device, limits, log });
    await gateway.pull(context);
    const { id } = await gateway.fs.lookup(gateway.fs.root, 'Sync', context);
    const teardown = async (): Promise<void> => {
      await gateway.flush('/');
      t.match(gateway.status(), { queued: 0, parked: 0 });
      await gateway.close();
      await remote.close();
    };
    return { fs: gateway.fs, folder: id, teardown };
  });
  t.end();
});
