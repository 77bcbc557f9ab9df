import { join } from 'node:path';
import { quote, settle, sh, timed } from '../../lib/shell.ts';
import type { Turn, Work } from '../turn.ts';

const PLACES = ['Sync', 'Archive'] as const;
const close = (place: string): string => `cp of 1 GiB into /${place}, until close`;
const cloud = (place: string): string => `cp of 1 GiB into /${place}, until in the cloud`;

/** Copies a big file from the disk. */
export const copy: Work = {
  id: 'cp',
  rows: PLACES.flatMap((place) => [
    { figure: close(place), unit: 's' as const },
    { figure: cloud(place), unit: 's' as const },
  ]),
  run: async (turn) => {
    for (const place of PLACES) await measure(turn, place);
  },
};

async function measure({ mounted, material, note }: Turn, place: (typeof PLACES)[number]): Promise<void> {
  const archive = place === 'Archive';
  const folder = archive ? mounted.archive : mounted.dir;
  if (folder === undefined) return;
  const { path, bytes } = material.big;
  const name = `copied-${place}`;
  await sh(`cat ${quote(path)} >/dev/null`);
  await settle();
  const begin = performance.now();
  note(close(place), await timed(`cp ${quote(path)} ${quote(join(folder, name))}`));
  if (mounted.stored === undefined) return;
  await mounted.stored({ name, archive, files: 1, bytes });
  note(cloud(place), (performance.now() - begin) / 1000);
}
