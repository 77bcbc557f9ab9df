import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Test } from 'tap';
import { temporary } from './temporary.ts';

/** An unprivileged user, because the server refuses to run as root. */
const NOBODY = 65534;

/** The folder of the server's programs, or the reason why there is none. */
export function findPostgres(): { readonly bin: string } | { readonly missing: string } {
  const debian = '/usr/lib/postgresql';
  const installed = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : [];
  const folders = [...installed, ...(process.env['PATH'] ?? '').split(':')];
  const bin = folders.find((folder) => ['initdb', 'postgres'].every((name) => existsSync(join(folder, name))));
  return bin === undefined ? { missing: 'needs PostgreSQL' } : { bin };
}

/** A separate server on a socket in a temporary folder. It ends with the test. */
export class TestPostgres {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async start(t: Test, bin: string): Promise<TestPostgres> {
    const dir = temporary(t);
    const data = join(dir, 'data');
    mkdirSync(data);
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    for (const path of [dir, data]) if ('uid' in user) chownSync(path, NOBODY, NOBODY);
    chmodSync(data, 0o700);
    const options = { ...user, cwd: dir, stdio: 'ignore' } as const;
    execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'fjord', '-A', 'trust', '-E', 'UTF8', '--no-sync'], options);
    const settings = ['listen_addresses=', 'fsync=off', 'max_connections=20'].flatMap((one) => ['-c', one]);
    const server = spawn(join(bin, 'postgres'), ['-D', data, '-k', dir, ...settings], options);
    t.teardown(() => end(server));
    const postgres = new TestPostgres(dir);
    await postgres.#ready(server);
    return postgres;
  }

  /** The address of a new, empty database. */
  async database(name: string): Promise<string> {
    await this.#run(`create database ${name}`);
    return this.#url(name);
  }

  /** Makes `to`, which is replaced, a copy of `from`; nothing may be connected to either. */
  async copy(from: string, to: string): Promise<void> {
    await this.#run(`drop database if exists ${to}`);
    await this.#run(`create database ${to} template ${from}`);
  }

  /** Ends all connections of others, as a restart of the server does. */
  async cutConnections(): Promise<void> {
    await this.#run('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
  }

  #url(name: string): string {
    return `postgres://fjord@localhost/${name}?host=${encodeURIComponent(this.#dir)}`;
  }

  async #run(statement: string): Promise<void> {
    const client = new pg.Client(this.#url('postgres'));
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }

  async #ready(server: ChildProcess): Promise<void> {
    for (const until = Date.now() + 60_000; ; await sleep(50)) {
      try {
        return await this.#run('select 1');
      } catch (error) {
        if (Date.now() > until || server.exitCode !== null) throw error;
      }
    }
  }
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = new Promise((resolve) => server.once('exit', resolve));
  // Immediately, without waiting for clients.
  server.kill('SIGQUIT');
  await exit;
}
