import { execFile } from 'node:child_process';

export interface Outcome {
  /** The exit code; 128 if it was ended by a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** ms, after which the command is killed */
  readonly timeout?: number;
}

/** Runs a program to its end, successful or not. */
export function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const { input = '', timeout = 300_000, env = process.env, cwd } = options;
  return new Promise((resolve) => {
    const settings = {
      env,
      timeout,
      killSignal: 'SIGKILL',
      maxBuffer: 64 << 20,
      ...(cwd === undefined ? {} : { cwd }),
    } as const;
    const child = execFile(file, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 128;
      resolve({ code, stdout, stderr: code === 128 ? `${stderr}\n${error?.message}` : stderr });
    });
    // A program may end without having read its input.
    child.stdin?.on('error', () => undefined).end(input);
  });
}
