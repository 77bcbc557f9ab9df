import t from 'tap';
import { fileSystemContract } from '../contract/file-system.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

fileSystemContract(
  t,
  () => {
    const fs = new MemoryFs();
    return { fs, folder: fs.root };
  },
  { runs: 1000 },
);
