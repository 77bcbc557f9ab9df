import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface ShellOptions {
  readonly cwd?: string;
  /** Time limit, s. */
  readonly limit?: number;
}

/** Runs a line of bash that must succeed. Resolves to its standard output. */
export async function sh(line: string, { cwd, limit = 240 }: ShellOptions = {}): Promise<string> {
  const args = ['-s', 'KILL', String(limit), 'bash', '-c', `set -euo pipefail\n${line}`];
  const { stdout } = await run('timeout', args, {
    cwd,
    maxBuffer: 64 << 20,
    env: { ...process.env, LC_ALL: 'C', GIT_CONFIG_GLOBAL: '/dev/null' },
  });
  return stdout;
}

/** Seconds that a line of bash takes, without starting the shell. Its output is discarded. */
export async function timed(line: string): Promise<number> {
  const text = await sh(`begin=$EPOCHREALTIME
{ ${line}; } >/dev/null
end=$EPOCHREALTIME
echo $(( \${end/./} - \${begin/./} ))`);
  return Number(text) / 1e6;
}

/** The text as one word of bash. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Writes dirty pages, so that a measurement does not pay for the previous one. */
export async function settle(): Promise<void> {
  await sh('sync');
}

/** Drops the kernel's caches of pages, names and attributes. Needs root. */
export async function forget(): Promise<void> {
  await sh('sync; echo 3 > /proc/sys/vm/drop_caches');
  // Loading the programs themselves must not be measured.
  await sh(
    'for program in "ls -lR" "find -size +0" du cat tar git curl; do $program /dev/null || true; done >/dev/null 2>&1',
  );
}
