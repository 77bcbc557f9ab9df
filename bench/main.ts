import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { benchBackup } from './backup/main.ts';
import { benchCore } from './core/main.ts';
import { benchFuse } from './fuse/main.ts';
import { isWhole, parseOptions, type BenchOptions, type Choice } from './lib/options.ts';
import { benchSync } from './sync/main.ts';
import { benchWeb } from './web/main.ts';
import { benchWebdav } from './webdav/main.ts';

const FILE = join(import.meta.dirname, '../docs/benchmarks.md');

const suites: Record<string, (options: BenchOptions) => Promise<string>> = {
  webdav: benchWebdav,
  fuse: benchFuse,
  core: benchCore,
  backup: benchBackup,
  sync: benchSync,
  web: benchWeb,
};

const choice = parse();
const run = suites[choice.suite];
if (run === undefined) {
  fail(`There is no suite ${JSON.stringify(choice.suite)}; choose from ${Object.keys(suites).join(', ')}.`);
}
const table = await run(choice);
console.log(table);
if (isWhole(choice)) await replaceSection(choice.suite, table);
else console.error('Not written to docs/benchmarks.md, because parts were left out.');

function parse(): Choice {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

/** Replaces the text between the suite's marks in `docs/benchmarks.md`. */
async function replaceSection(name: string, text: string): Promise<void> {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const page = await readFile(FILE, 'utf8');
  if (!page.includes(begin)) throw new Error(`${FILE} has no ${begin}`);
  const [before, rest = ''] = page.split(begin);
  const [, after = ''] = rest.split(end);
  await writeFile(FILE, `${before ?? ''}${begin}\n\n${text}\n${end}${after}`);
}
