import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { benchWebdav } from './webdav/main.ts';

const FILE = join(import.meta.dirname, '../docs/benchmarks.md');

const suites: Record<string, (rounds: number) => Promise<string>> = { webdav: benchWebdav };

const [suite = 'webdav', rounds = '5'] = process.argv.slice(2);
const run = suites[suite];
if (run === undefined) {
  console.error(`There is no suite ${JSON.stringify(suite)}; there are: ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}
const table = await run(Number(rounds));
console.log(table);
await replaceSection(suite, table);

/** Puts the table between the suite's marks in `docs/benchmarks.md`. */
async function replaceSection(name: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const page = await readFile(FILE, 'utf8');
  const [before, rest = ''] = page.split(begin);
  const [, after = ''] = rest.split(end);
  await writeFile(FILE, `${before ?? ''}${begin}\n\n${text}\n${end}${after}`);
}
