import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { fileSystemContract } from '../contract/file-system.ts';
import { HOST_TRAITS, HostFs } from '../helpers/host-fs.ts';

// The contract must hold for a local disk, too; otherwise the adapter or the contract is wrong.
fileSystemContract(
  t,
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'fjord-host-'));
    const fs = new HostFs(dir);
    return { fs, folder: fs.root, teardown: () => rm(dir, { recursive: true }) };
  },
  { ...HOST_TRAITS, runs: 20 },
);
