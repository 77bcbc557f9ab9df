import { appendFile, mkdir, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tryCommand } from '../helpers/run-command.ts';
import type { Random } from '../simulation/random.ts';
import { hashOf, type Ledger } from './ledger.ts';

/** Time limit of one program, ms. */
const LIMIT = 60_000;
const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'ä ö', 'epsilon.txt', 'zeta.bin', 'eta.md'];

const WEIGHTS = {
  write: 8,
  replace: 3,
  append: 4,
  overwrite: 3,
  cp: 4,
  mv: 5,
  mvFolder: 2,
  mkdir: 3,
  rm: 3,
  rmTree: 1,
  sed: 3,
  rsync: 2,
  tar: 1,
  sqlite: 2,
  git: 1,
  big: 1,
  symlink: 1,
  touch: 2,
} as const;
type Operation = keyof typeof WEIGHTS;
/** Those that need a file. */
const CHANGES: ReadonlySet<Operation> = new Set(['replace', 'append', 'overwrite', 'mv', 'rm', 'sed', 'touch']);

/** What somebody does at one computer: programs that are run in a folder of its mount, one after another. */
export class Programs {
  readonly #name: string;
  readonly #root: string;
  readonly #scratch: string;
  readonly #random: Random;
  readonly #ledger: Ledger;
  #count = 0;
  /** Rows of the database that were acknowledged, and those that may be there. */
  readonly rows = { sure: 0, tried: 0 };
  /** How many were run, and how many of these failed. */
  readonly figures = { operations: 0, failed: 0 };

  /** @param root a folder of the mount @param scratch a folder outside of it */
  constructor(name: string, root: string, scratch: string, random: Random, ledger: Ledger) {
    this.#name = name;
    this.#root = root;
    this.#scratch = scratch;
    this.#random = random;
    this.#ledger = ledger;
  }

  /** The database that only this computer writes, relative to the folder. */
  get database(): string {
    return `${this.#name}.db`;
  }

  get repository(): string {
    return `${this.#name}.repository`;
  }

  async step(): Promise<void> {
    const kind = this.#random.weighted(WEIGHTS);
    this.figures.operations++;
    try {
      await this.#run(kind);
      this.#ledger.note(`${this.#name} ${kind} ended`);
    } catch (error) {
      this.#ledger.note(`${this.#name} ${kind} failed: ${String(error).slice(0, 120).replaceAll('\n', ' ')}`);
      // Killed, impossible at this moment, or without a network: a program would get the error, too.
      this.figures.failed++;
    }
  }

  async #run(kind: Operation): Promise<void> {
    const at = CHANGES.has(kind) ? await this.#file() : await this.#place();
    this.#ledger.note(`${this.#name} ${kind} ${at}`);
    if (kind === 'write') return await this.#put(at, this.#text(), (text) => writeFile(at, text));
    if (kind === 'big') return await this.#put(at, this.#bytes(), (bytes) => writeFile(at, bytes));
    if (kind === 'replace') return await this.#save(at);
    if (kind === 'append') return await this.#change(at, (token) => appendFile(at, token));
    if (kind === 'overwrite') return await this.#change(at, (token) => overwrite(at, token));
    if (kind === 'sed') return await this.#change(at, (token) => this.#program('sed', '-i', `1i ${token.trim()}`, at));
    if (kind === 'cp') return await this.#copy(at);
    if (kind === 'mv') return await this.#move(at, await this.#place());
    if (kind === 'mvFolder') return await this.#program('mv', await this.#folder(), await this.#place());
    if (kind === 'mkdir') return await mkdir(at);
    if (kind === 'rm') return await this.#remove(at);
    if (kind === 'rmTree') return await this.#removeTree(await this.#folder());
    if (kind === 'rsync') return await this.#unpack(at, (from) => this.#program('rsync', '-a', `${from}/`, `${at}/`));
    if (kind === 'tar') return await this.#unpack(at, (from) => this.#tar(from, at));
    if (kind === 'sqlite') return await this.#insert();
    if (kind === 'git') return await this.#commit();
    if (kind === 'symlink') return await this.#program('ln', '-s', 'somewhere', at);
    return await this.#program('touch', '-c', '-d', `@${1_600_000_000 + this.#random.below(100_000_000)}`, at);
  }

  async #put<T extends string | Buffer>(at: string, content: T, write: (content: T) => Promise<void>): Promise<void> {
    await this.#release(at);
    await write(content);
    this.#ledger.acknowledge(hashOf(Buffer.from(content)), `${this.#name}: ${at}`);
  }

  /** As editors do. */
  async #save(at: string): Promise<void> {
    const [text, scratch] = [this.#text(), `${at}.${this.#name}.tmp`];
    await this.#put(scratch, text, (bytes) => writeFile(scratch, bytes));
    await this.#move(scratch, at);
  }

  /** Changes a part of a file; what it shows then is what was acknowledged. */
  async #change(at: string, change: (token: string) => Promise<void>): Promise<void> {
    const token = `${this.#text().slice(0, 40).trim()}\n`;
    await this.#release(at);
    await change(token);
    const shown = await readFile(at);
    if (shown.includes(token.trim())) this.#ledger.acknowledge(hashOf(shown), `${this.#name}: part of ${at}`);
  }

  async #copy(at: string): Promise<void> {
    const source = join(this.#scratch, `copied-${this.#name}`);
    await this.#put(at, this.#text(), async (text) => {
      await writeFile(source, text);
      await this.#program('cp', '-p', source, at);
    });
  }

  async #move(from: string, to: string): Promise<void> {
    if (from === to) return;
    await this.#release(to);
    this.#ledger.note(`${this.#name} mv ${from} ${to}`);
    await this.#program('mv', '-T', from, to);
  }

  async #remove(at: string): Promise<void> {
    await this.#release(at);
    await this.#program('rm', at);
  }

  async #removeTree(folder: string): Promise<void> {
    if (folder === this.#root) return;
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      await this.#release(join(entry.parentPath, entry.name));
    }
    await this.#program('rm', '-r', folder);
  }

  /** Puts a small tree there. */
  async #unpack(at: string, bring: (from: string) => Promise<void>): Promise<void> {
    const from = await mkdtemp(join(this.#scratch, 'tree-'));
    try {
      const texts: string[] = [];
      for (const name of ['one', 'two', 'deep/three', 'deep/four']) {
        const text = this.#text();
        texts.push(text);
        await mkdir(join(from, 'deep'), { recursive: true });
        await writeFile(join(from, name), text);
        await this.#release(join(at, name));
      }
      await bring(from);
      for (const text of texts) this.#ledger.acknowledge(hashOf(Buffer.from(text)), `${this.#name}: below ${at}`);
    } finally {
      await rm(from, { recursive: true });
    }
  }

  async #tar(from: string, at: string): Promise<void> {
    const archive = join(this.#scratch, `${this.#name}.tar`);
    await this.#program('tar', '-cf', archive, '-C', from, '.');
    await mkdir(at, { recursive: true });
    await this.#program('tar', '-xf', archive, '-C', at);
  }

  async #insert(): Promise<void> {
    this.rows.tried++;
    const sql = `create table if not exists t (x); insert into t values ('${this.#text().slice(0, 100)}');`;
    await this.#program('sqlite3', join(this.#root, this.database), sql);
    this.rows.sure++;
  }

  async #commit(): Promise<void> {
    const dir = join(this.#root, this.repository);
    await this.#program('git', 'init', '-q', dir);
    // A git that was killed leaves its locks, on every disk.
    await rm(join(dir, '.git/index.lock'), { force: true });
    await rm(join(dir, '.git/HEAD.lock'), { force: true });
    const file = join(dir, this.#random.pick(NAMES));
    await this.#put(file, this.#text(), (text) => writeFile(file, text));
    const user = ['-c', 'user.name=soak', '-c', 'user.email=soak@example.org', '-c', 'gc.auto=0'];
    await this.#program('git', '-C', dir, 'add', '-A');
    await this.#program('git', '-C', dir, ...user, 'commit', '-q', '-m', `commit ${this.#count}`);
  }

  async #release(at: string): Promise<void> {
    const hash = await readFile(at).then(hashOf, () => undefined);
    this.#ledger.note(`${this.#name} releases ${hash?.slice(0, 8) ?? 'nothing'} at ${at}`);
    this.#ledger.release(hash);
  }

  async #program(name: string, ...args: string[]): Promise<void> {
    const { code, errors } = await tryCommand(name, args, { timeout: LIMIT });
    if (code !== 0) throw new Error(errors);
  }

  async #folder(): Promise<string> {
    const entries = await readdir(this.#root, { recursive: true, withFileTypes: true });
    const folders = entries.filter((one) => one.isDirectory()).map((one) => join(one.parentPath, one.name));
    return this.#random.pick([this.#root, ...folders.filter((path) => !/\.(repository|db)/.test(path))]);
  }

  /** One of the files, if there is any. */
  async #file(): Promise<string> {
    const entries = await readdir(this.#root, { recursive: true, withFileTypes: true });
    const files = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
    const own = files.filter((path) => !/\.(repository|db)/.test(path));
    return own.length === 0 ? await this.#place() : this.#random.pick(own);
  }

  /** A name in one of the folders, which may be taken. */
  async #place(): Promise<string> {
    return join(await this.#folder(), this.#random.pick(NAMES));
  }

  /** A content that was never written before. */
  #text(): string {
    const unique = `${this.#name} ${this.#count++} ${this.#random.below(2 ** 31)}\n`;
    return unique + 'x'.repeat(this.#random.below(20_000));
  }

  #bytes(): Buffer {
    const bytes = Buffer.alloc(1_000_000 + this.#random.below(4_000_000), this.#text());
    return bytes;
  }
}

/** Writes into the middle of a file. */
async function overwrite(at: string, text: string): Promise<void> {
  const file = await open(at, 'r+');
  try {
    const { size } = await file.stat();
    await file.write(text, Math.floor(size / 2));
  } finally {
    await file.close();
  }
  if (text.length % 3 === 0) await truncate(at, 64 + text.length);
}
