import { join } from 'node:path';
import { chosen, type BenchOptions } from '../../lib/options.ts';
import { attempt } from '../../lib/attempt.ts';
import { benchPush } from './push.ts';
import { benchScale } from './scale.ts';

/** By their names for `--only`. */
const PARTS: Readonly<Record<string, (dir: string, scale: number) => Promise<string>>> = {
  push: benchPush,
  scale: benchScale,
};

/** Measures Fjord without peers. Resolves to tables. */
export async function alone(dir: string, { only, peers, scale }: BenchOptions): Promise<string[]> {
  if (peers.length > 0) return [];
  const tables: string[] = [];
  for (const [id, run] of Object.entries(PARTS)) {
    if (!chosen(only, id)) continue;
    await attempt(id, async () => void tables.push(await run(join(dir, id), scale)));
  }
  return tables;
}
