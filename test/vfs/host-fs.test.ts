import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { fileSystemContract } from '../contract/file-system.ts';
import { HOST_TRAITS, HostFs } from '../helpers/host-fs.ts';

// What the contract says of a mount it must say of the disk, too: else the adapter is wrong, or the contract.
fileSystemContract(
  t,
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'fjord-host-'));
    const fs = new HostFs(dir);
    return { fs, folder: fs.root, teardown: () => rm(dir, { recursive: true }) };
  },
  { ...HOST_TRAITS, runs: 20 },
);
