import { open, readdir, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { writeBig } from '../lib/big-file.ts';
import { writeFiles } from '../lib/small-files.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const LARGE_FILES = 4;
const SMALL_FILES = 100_000;
const TOUCHED = 10;

/** A folder to be copied, and what is done to it. */
export interface Work {
  /** As people choose it by `--only`. */
  readonly id: string;
  readonly name: string;
  readonly make: (dir: string, scale: number) => Promise<void>;
  readonly change: string;
  readonly apply: (dir: string) => Promise<void>;
}

export const WORK: readonly Work[] = [
  {
    id: 'large',
    name: '1 GiB in four files',
    make: async (dir, scale) => {
      const bytes = Math.max(1, Math.round((GIB / MIB / LARGE_FILES) * scale)) * MIB;
      for (let i = 0; i < LARGE_FILES; i++) await writeBig(join(dir, `large-${i}.bin`), bytes);
    },
    change: 'one byte changed',
    apply: async (dir) => {
      await using file = await open(join(dir, 'large-1.bin'), 'r+');
      await file.write(randomBytes(1), 0, 1, Math.floor((await file.stat()).size / 2));
    },
  },
  {
    id: 'small',
    name: '100,000 files of 1–8 KiB',
    make: async (dir, scale) =>
      void (await writeFiles(dir, Math.ceil(SMALL_FILES * scale), (i) => 1024 + ((i * 104_729) % 7169))),
    change: 'a tenth of the files changed',
    apply: async (dir) => {
      for (const folder of await readdir(dir)) {
        for (const [i, name] of (await readdir(join(dir, folder))).entries()) {
          if (i % TOUCHED === 0) await writeFile(join(dir, folder, name), randomBytes(4096));
        }
      }
    },
  },
];
