import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { startFjord, type Fjord } from '../helpers/gateway-process.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporary } from '../helpers/temporary.ts';
import { Random } from '../simulation/random.ts';

t.setTimeout(1_800_000);

const ROUNDS = Number(process.env['FJORD_FOLDER_KILL_ROUNDS'] ?? 1);
const SEED = Number(process.env['FJORD_FOLDER_KILL_SEED'] ?? Date.now() % 1_000_000);
/** Ms within which the gateway is killed while programs run. */
const WITHIN = 1500;
/** Ms for everything to come to rest. */
const TIMEOUT = 120_000;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** Files and symlinks by path; files that Fjord has left are among them. */
async function treeOf(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (name === '.fjord-sync/id') continue;
    if (entry.isFile()) found.set(name, digest(await readFile(path)));
    else if (entry.isSymbolicLink()) found.set(name, `-> ${readlinkSync(path)}`);
  }
  return found;
}

async function cloudTree(fjord: Fjord, prefix: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const [path, read] of await fjord.cloudTree('Sync')) {
    if (path.startsWith(`${prefix}/`)) found.set(path.slice(prefix.length + 1), digest(await read()));
  }
  return found;
}

/** The paths that two trees do not have alike. */
function difference(one: Map<string, string>, other: Map<string, string>): string[] {
  const paths = new Set([...one.keys(), ...other.keys()]);
  return [...paths].filter((path) => one.get(path) !== other.get(path) && !(one.get(path) ?? '').startsWith('->'));
}

/** Programs that work in a folder, and what they have said is done. */
class Programs {
  readonly #folder: string;
  readonly #other: string;
  readonly #own: string;
  readonly #random: Random;
  rows = 0;
  letter = '';
  reply = '';

  constructor(folder: string, other: string, own: string, random: Random) {
    this.#folder = folder;
    this.#other = other;
    this.#own = own;
    this.#random = random;
  }

  get source(): string {
    return join(this.#own, 'source');
  }

  async prepare(): Promise<void> {
    mkdirSync(this.source);
    const script = `git init -q --bare origin.git; git init -q tree; cd tree; git config user.email a@b; git config user.name a
      for i in 1 2 3 4 5 6 7 8 9 10; do echo $i > f$i; git add .; git commit -qm $i; done; git push -q ../origin.git HEAD:master`;
    await this.#sh(script, this.#own);
    await this.#sql('PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER);');
  }

  async round(number: number): Promise<void> {
    await Promise.all([
      this.#git(number),
      this.#rsync(number),
      this.#save(number),
      this.#insert(),
      this.#answer(number),
    ]);
  }

  async #git(round: number): Promise<void> {
    const to = join(this.#folder, `repo-${round}`);
    const commit =
      'git config user.email a@b; git config user.name a; echo x > x; git add x; git commit -qm x; git gc -q';
    await this.#sh(
      `git clone -q ${this.#own}/origin.git ${to}; cd ${to}; git checkout -q master; ${commit}`,
      this.#own,
    );
  }

  async #rsync(round: number): Promise<void> {
    for (let i = 0; i < 40; i++) {
      const path = join(this.source, `d${i % 4}`, `f${this.#random.below(30)}`);
      mkdirSync(join(path, '..'), { recursive: true });
      if (this.#random.below(4) === 0) rmSync(path, { force: true });
      else writeFileSync(path, `${round}.${i}`.repeat(1 + this.#random.below(3000)));
    }
    await this.#sh(`rsync -a --delete ${this.source}/ ${this.#folder}/mirror/`, this.#own);
  }

  /** As vim does it. */
  async #save(round: number): Promise<void> {
    for (let i = 0; i < 12; i++) {
      const text = `letter ${round}.${i}\n`;
      writeFileSync(join(this.#folder, '4913'), text);
      renameSync(join(this.#folder, '4913'), join(this.#folder, 'letter.txt'));
      this.letter = text;
      await sleep(this.#random.below(150));
    }
  }

  async #insert(): Promise<void> {
    for (let i = 0; i < 8; i++) {
      await this.#sql(`INSERT INTO t VALUES (${this.rows + 1});`);
      this.rows += 1;
      await sleep(this.#random.below(100));
    }
  }

  /** Changes in the other folder, in place. */
  async #answer(round: number): Promise<void> {
    for (let i = 0; i < 12; i++) {
      const text = `reply ${round}.${i}\n`;
      writeFileSync(join(this.#other, 'reply.txt'), text);
      writeFileSync(join(this.#other, `reply-${round}-${i}`), text);
      this.reply = text;
      await sleep(this.#random.below(150));
    }
  }

  async #sql(text: string): Promise<void> {
    await runCommand('sqlite3', ['-cmd', '.timeout 5000', join(this.#folder, 'db.sqlite'), text]);
  }

  async #sh(script: string, cwd: string): Promise<void> {
    await runCommand('bash', ['-euc', script], { cwd });
  }
}

t.test(`a gateway killed ${ROUNDS} times while programs work in its plain folders, seed ${SEED}`, async (t) => {
  const random = new Random(SEED);
  const dir = temporary(t);
  const [one, two, own] = [join(dir, 'one'), join(dir, 'two'), join(dir, 'own')];
  for (const folder of [one, two, own]) mkdirSync(folder);
  const programs = new Programs(one, two, own, random);
  await programs.prepare();
  const fjord = await startFjord(t);
  for (const folder of [one, two]) t.equal((await fjord.cli('sync', 'add', folder, '--remote', '/Sync/work')).code, 0);
  for (let round = 0; round < ROUNDS; round++) {
    const work = programs.round(round);
    await sleep(random.below(WITHIN));
    await fjord.killGateway();
    await work;
    await fjord.gatewayBack();
  }
  const differences = async (): Promise<string[]> => {
    const here = await treeOf(one);
    const apart = difference(here, await treeOf(two));
    return apart.length > 0 ? apart : difference(here, await cloudTree(fjord, 'work'));
  };
  let left = ['not compared'];
  for (const end = Date.now() + TIMEOUT; left.length > 0 && Date.now() < end; await sleep(300)) {
    left = await differences().catch((error: unknown) => [String(error)]);
  }
  t.same(left, [], 'both folders and the cloud are alike');
  const tree = await treeOf(two);
  const strays = [...tree.keys()].filter((path) => /conflict|\.fjord-|4913/.test(path));
  t.same(strays, [], 'no conflict copy and nothing of its own is left');
  for (const folder of [one, two]) t.same(readdirSync(join(folder, '.fjord-sync')), ['id']);
  t.equal(readFileSync(join(two, 'letter.txt'), 'utf8'), programs.letter);
  t.equal(readFileSync(join(one, 'reply.txt'), 'utf8'), programs.reply);
  t.same(difference(await treeOf(programs.source), await treeOf(join(two, 'mirror'))), []);
  const asked = ['PRAGMA integrity_check; SELECT count(*), max(n) FROM t;'];
  const counted = await runCommand('sqlite3', [join(two, 'db.sqlite'), ...asked]);
  t.equal(counted.trim(), `ok\n${programs.rows}|${programs.rows}`);
  for (let round = 0; round < ROUNDS; round++) {
    await runCommand('git', ['-C', join(two, `repo-${round}`), '-c', 'safe.directory=*', 'fsck', '--strict']);
    const changed = await runCommand('git', ['-C', join(two, `repo-${round}`), 'status', '--porcelain']);
    t.equal(changed, '');
  }
});
