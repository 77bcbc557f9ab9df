import { join } from 'node:path';
import { quote, sh } from '../lib/shell.ts';
import { writeFiles } from '../lib/small-files.ts';
import { writeBig } from '../lib/big-file.ts';

/** The input of all contestants, on the native file system. */
export interface Material {
  readonly big: { readonly path: string; readonly bytes: number };
  readonly tar: { readonly path: string; readonly files: number; readonly bytes: number };
  readonly repository: { readonly path: string; readonly files: number };
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

export async function makeMaterial(dir: string, scale: number): Promise<Material> {
  const bytes = Math.max(1, Math.round((GIB / MIB) * scale)) * MIB;
  const big = join(dir, 'big');
  await writeBig(big, bytes);
  const many = await makeTar(dir, Math.ceil(10_000 * scale));
  const repository = await makeRepository(dir, Math.ceil(5000 * scale));
  return { big: { path: big, bytes }, tar: many, repository };
}

/** Files of 4 to 40 KiB. */
async function makeTar(dir: string, files: number): Promise<Material['tar']> {
  const bytes = await writeFiles(join(dir, 'many'), files, (i) => 4096 + ((i * 7919) % 36_865));
  const path = join(dir, 'many.tar');
  await sh(`tar cf ${quote(path)} -C ${quote(join(dir, 'many'))} . && rm -r ${quote(join(dir, 'many'))}`);
  return { path, files, bytes };
}

/** Files of 1 to 8 KiB in one commit, packed. */
async function makeRepository(dir: string, files: number): Promise<Material['repository']> {
  const path = join(dir, 'repository');
  await writeFiles(path, files, (i) => 1024 + ((i * 104_729) % 7169));
  const who = '-c user.name=bench -c user.email=bench@localhost';
  await sh(`cd ${quote(path)} && git init -q && git add . && git ${who} commit -q -m all && git repack -qad`);
  return { path, files };
}
