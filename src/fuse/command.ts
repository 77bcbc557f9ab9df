import { spawn, type StdioOptions } from 'node:child_process';

export interface CommandOptions {
  /** Passed to the command as descriptor 3. */
  readonly descriptor?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds after which it is killed. */
  readonly timeout?: number;
}

export interface CommandResult {
  /** The exit code; 127 if there is no such command, 124 if it was killed. */
  readonly code: number;
  readonly errors: string;
}

/** Runs a system command in a separate process, so that a command that hangs does not block this one. */
export async function command(
  name: string,
  args: readonly string[],
  { descriptor, env = process.env, timeout = 10_000 }: CommandOptions = {},
): Promise<CommandResult> {
  const stdio: StdioOptions = ['ignore', 'ignore', 'pipe', ...(descriptor === undefined ? [] : [descriptor])];
  const child = spawn(name, args, { stdio, env });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return await new Promise((resolve) => {
    const finish = (code: number): void => {
      clearTimeout(timer);
      resolve({ code, errors: errors.trim() });
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.unref();
      finish(124);
    }, timeout);
    child.once('error', () => finish(127));
    child.once('close', (code) => finish(code ?? 124));
  });
}
