import { execFile } from 'node:child_process';
import { Problem } from '../problem.ts';

export interface ToolOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the operating system to its end, without a shell. @throws Problem if the program does not exist */
export type SystemTool = (program: string, ...args: readonly string[]) => Promise<ToolOutcome>;

/** @param signal ends the program */
export function systemTool(env: NodeJS.ProcessEnv, signal: AbortSignal): SystemTool {
  return (program, ...args) =>
    new Promise((resolve, reject) => {
      execFile(program, args, { env, signal, encoding: 'utf8' }, (error, stdout, stderr) => {
        if (error === null) resolve({ code: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
        else if (signal.aborted) reject(new Problem('interrupted', 'interrupted', { cause: error }));
        else
          reject(
            new Problem('failure', `${program} cannot be run (${error.message}); check that it is installed`, {
              cause: error,
            }),
          );
      });
    });
}

/** Runs a tool that must succeed. @throws Problem with the tool's error output */
export async function runTool(tool: SystemTool, program: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await tool(program, ...args);
  if (code === 0) return stdout;
  const said = firstLine(stderr) ?? firstLine(stdout) ?? `status ${code}`;
  throw new Problem('failure', `\`${[program, ...args].join(' ')}\` failed: ${said}`);
}

function firstLine(text: string): string | undefined {
  return text.split(/\r?\n/).find((line) => line.trim() !== '');
}
