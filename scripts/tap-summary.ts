import { createReadStream, existsSync } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Parser, type Result } from 'tap-parser';

/**
 * Prints what failed in TAP files, readably, and as the last line `N passed, N failed`, counting assertions and not the
 * tests around them. Ends with a failure unless something passed in each and nothing failed.
 *
 *   tap-summary.ts FAILED [FILE STATUS]...   FAILED: failures before the tests; STATUS: exit code of the test runner
 */
const [before = '0', ...runs] = process.argv.slice(2);

/** Lines of one failure's details that are printed. */
const DETAIL = 60;

const failures: string[] = [];
let passed = 0;
/** How many were skipped, by reason. */
const skipped = new Map<string, number>();

/** Follows a stream of TAP and the subtests in it. */
function follow(parser: Parser, path: readonly string[]): void {
  let before = failures.length;
  parser.on('child', (child: Parser) => {
    before = failures.length;
    follow(child, child.name === '' ? path : [...path, child.name]);
  });
  parser.on('assert', (result: Result) => count(result, path, before));
  parser.on('bailout', (reason: string) => failures.push(`${path.join(' > ')}: bailed out: ${reason}`));
}

function count(result: Result, path: readonly string[], before: number): void {
  // The line that sums a subtest up counts only where the subtest failed for itself: a timeout, a dead process, its plan.
  if (result.closingTestPoint) {
    if (!result.ok && failures.length === before) failures.push(describe(result, path));
  } else if (result.skip !== false || result.todo !== false) skip(result);
  else if (result.ok) passed += 1;
  else failures.push(describe(result, path));
}

function skip({ skip: why, todo }: Result): void {
  const reason = [why, todo].find((value) => typeof value === 'string' && value !== '');
  const key = typeof reason === 'string' ? reason : 'for no reason given';
  skipped.set(key, (skipped.get(key) ?? 0) + 1);
}

function describe({ name, diag }: Result, path: readonly string[]): string {
  const title = [...path, name].filter((part) => part !== '').join(' > ');
  if (diag === null || diag === undefined) return title;
  const lines = JSON.stringify(diag, null, 2)
    .replaceAll(String.raw`\n`, '\n')
    .split('\n');
  return [title, ...lines.slice(0, DETAIL).map((line) => `    ${line}`)].join('\n');
}

async function read(file: string, status: string): Promise<void> {
  const [knownFailures, knownPasses] = [failures.length, passed];
  if (existsSync(file)) {
    const parser = new Parser();
    follow(parser, []);
    await pipeline(createReadStream(file), parser);
  }
  if (passed === knownPasses) failures.push(`${basename(file)}: no test ran`);
  if (status !== '0' && failures.length === knownFailures) {
    failures.push(`${basename(file)}: the test runner ended with code ${status}`);
  }
}

for (let i = 0; i < runs.length; i += 2) await read(runs[i] ?? '', runs[i + 1] ?? '');
if (runs.length === 0) failures.push('no test ran');

for (const failure of failures) console.log(`FAILED: ${failure}\n`);
for (const [reason, count] of skipped) console.log(`${count} skipped: ${reason}`);
const failed = failures.length + Number(before);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
