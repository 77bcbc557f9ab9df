import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Problem } from '../daemon/problem.ts';
import type { Cli } from './cli.ts';

/**
 * A password from a file, from `FJORD_PASSWORD`, or typed at the terminal, in this order. Never from an argument, which
 * every user of the computer could see.
 */
export async function askPassword(cli: Cli, question: string, file?: string): Promise<string> {
  if (file !== undefined) return firstLine(file === '-' ? await text(cli.terminal.stdin) : await fromFile(file));
  const given = cli.env['FJORD_PASSWORD'];
  if (given !== undefined && given !== '') return given;
  if (cli.terminal.stdin.isTTY === true) return typed(cli, question);
  throw new Problem(
    'usage',
    'there is no terminal to ask for the password; use --password-file FILE or the variable FJORD_PASSWORD',
  );
}

/** A code of an authenticator app, typed at the terminal. */
export async function askCode(cli: Cli): Promise<string> {
  if (cli.terminal.stdin.isTTY === true) return typed(cli, 'Code of your authenticator app, or a recovery code: ');
  throw new Problem('usage', 'the account needs a code of its authenticator app; give it with --code CODE');
}

async function fromFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new Problem('usage', `${file}: the password file cannot be read; check its path and permissions`, {
      cause: error,
    });
  }
}

/** Prompts, and reads a line without echo. */
async function typed(cli: Cli, question: string): Promise<string> {
  cli.terminal.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: cli.terminal.stdin, output: nowhere, terminal: true });
  try {
    return firstLine(await lines.question('', { signal: cli.signal }));
  } finally {
    lines.close();
    cli.terminal.stderr.write('\n');
  }
}

function firstLine(content: string): string {
  const [line = ''] = content.split(/\r?\n/);
  if (line === '') throw new Problem('usage', 'nothing was entered');
  return line;
}
