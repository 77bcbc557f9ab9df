import { spawn, type SpawnOptions } from 'node:child_process';

export interface CommandOutput {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly errors: string;
}

/** Runs a command to its end, or kills it after `timeout` milliseconds. Does not throw if it fails. */
export async function tryCommand(
  name: string,
  args: readonly string[],
  { timeout = 120_000, ...options }: SpawnOptions & { readonly timeout?: number } = {},
): Promise<CommandOutput> {
  const child = spawn(name, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
  let [out, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, out, errors });
    });
  });
}

/** The output of a command. @throws Error with its error output if it fails */
export async function runCommand(...call: Parameters<typeof tryCommand>): Promise<string> {
  const { code, signal, out, errors } = await tryCommand(...call);
  if (code === 0) return out;
  throw new Error(`${call[0]} ${call[1].join(' ')}: ${signal ?? code}\n${errors}\n${out}`);
}

/** Runs a bash script, which stops at the first failure. */
export async function runScript(script: string, cwd: string, timeout = 120_000): Promise<string> {
  return await runCommand('bash', ['-euo', 'pipefail', '-c', script], { cwd, timeout });
}
