import { CommanderError } from 'commander';
import { asProblem } from '../daemon/problem.ts';
import type { Cli } from './cli.ts';
import { exitCode } from './exit.ts';
import { shown } from './format.ts';
import { createProgram } from './program.ts';
import { Terminal } from './terminal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs one command and resolves to its exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  const terminal = new Terminal(process, process.env);
  // The reader of our output may close the pipe at any time (`fjord ls -R / | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const { cli, release } = catchSignals(terminal);
  try {
    await createProgram(cli).parseAsync(args, { from: 'user' });
    return process.exitCode === undefined ? 0 : Number(process.exitCode);
  } catch (error) {
    return report(terminal, error);
  } finally {
    release();
    // An open IPC channel to the parent would keep the process alive.
    if (process.connected) process.disconnect();
  }
}

function report(terminal: Terminal, error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
    terminal.note(`fjord: ${shown([first, ...rest].join(' '))}; see \`fjord --help\``);
    return exitCode('usage');
  }
  const problem = asProblem(error);
  terminal.note(`fjord: ${shown(problem.message)}`);
  return exitCode(problem.kind);
}

function catchSignals(terminal: Terminal): { cli: Cli; release: () => void } {
  const controller = new AbortController();
  let listener = (_signal: NodeJS.Signals): void => controller.abort();
  const onSignal = (signal: NodeJS.Signals): void => listener(signal);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const cli: Cli = {
    terminal,
    env: process.env,
    signal: controller.signal,
    ownSignals: (own) => void (listener = own),
  };
  const release = (): void => SIGNALS.forEach((signal) => void process.off(signal, onSignal));
  return { cli, release };
}
