import { join } from 'node:path';
import t from 'tap';
import { fileSystemContract } from '../contract/file-system.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { HOST_TRAITS, HostFs } from '../helpers/host-fs.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';

t.setTimeout(500_000);

t.test('/Sync of a mounted gateway is a file system', { skip: withoutFuse() }, async (t) => {
  const { dir } = await startMounted(t);
  const fs = new HostFs(join(dir, 'Sync'));
  fileSystemContract(t, () => ({ fs, folder: fs.root }), { ...HOST_TRAITS, runs: 20 });
});
