import { V8_FLAGS } from './v8-flags.ts';

/** The command line of this program, without arguments: what runs another process of it. */
export function ownProgram(): [string, ...string[]] {
  return [process.execPath, ...new Set([...V8_FLAGS, ...process.execArgv]), process.argv[1] ?? ''];
}
