import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { access, copyFile, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { OpenIssue } from '../../src/daemon/control/wire.ts';
import { runCommand } from '../helpers/run-command.ts';
import { Random } from '../simulation/random.ts';
import { differences, rescuedBy, type Shown, shownBelow } from './examine.ts';
import { Ledger } from './ledger.ts';
import { Computer, environment, SoakCloud } from './machines.ts';
import { Network } from './network.ts';
import { Programs } from './programs.ts';

/** How long computers may take to show the same once all is well, ms; generous for a busy machine. */
const TIMEOUT = 180_000;
/** Issues that nobody needs to be told of: two people have changed one file, or chosen a name that Windows reserves. */
const EXPECTED: ReadonlySet<string> = new Set(['conflict', 'name']);

export const ADA = 'ada@example.org';
export const BOB = 'bob@example.org';
const PASSWORD = 'correct horse battery';

/** A cloud, two accounts and their computers, each with a network of its own that can fail. */
export class World {
  readonly t: Test;
  readonly seed: number;
  readonly random: Random;
  readonly ledger = new Ledger();
  readonly network: Network;
  readonly cloud: SoakCloud;
  readonly computers: Computer[] = [];
  readonly programs = new Map<Computer, Programs>();
  /** What happened so far, for the report. */
  readonly figures = { rounds: 0, kills: 0, cloudKills: 0, cuts: 0, storms: 0, skews: 0, conflicts: 0 };
  readonly #dir: string;
  #fresh = 0;

  private constructor(t: Test, seed: number, dir: string, network: Network) {
    this.t = t;
    this.seed = seed;
    this.random = new Random(seed);
    this.network = network;
    this.#dir = dir;
    this.cloud = new SoakCloud(network.cloud, network.address, join(dir, 'cloud'));
  }

  /** Starts the cloud. Everything ends with the test. */
  static async open(t: Test, seed: number): Promise<World> {
    const dir = mkdtempSync(join(tmpdir(), 'fjord-soak-'));
    t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
    const network = await Network.open(t, seed);
    const world = new World(t, seed, dir, network);
    await world.cloud.certify();
    for (const email of [ADA, BOB]) await world.cloud.addAccount(email, PASSWORD);
    t.teardown(() => world.cloud.kill());
    await world.cloud.start();
    return world;
  }

  /** Registers a computer and starts it. */
  async computer(name: string, email = ADA): Promise<Computer> {
    const computer = new Computer(name, email, await this.network.link(name), join(this.#dir, name));
    this.t.teardown(() => computer.remove());
    await computer.login(this.cloud.url, PASSWORD);
    await computer.up();
    return computer;
  }

  /** The same, as one at which programs are run in a folder of its drive. */
  async worker(name: string, folder = 'Sync', email = ADA): Promise<Computer> {
    const computer = await this.computer(name, email);
    this.computers.push(computer);
    this.work(computer, folder);
    return computer;
  }

  /** Has the programs of a computer run in this folder from now on. */
  work(computer: Computer, folder: string): Programs {
    const scratch = join(this.#dir, 'scratch', computer.name);
    mkdirSync(scratch, { recursive: true });
    const random = Random.of(this.seed, this.computers.length);
    const programs = new Programs(computer.name, computer.at(folder), scratch, random, this.ledger);
    this.programs.set(computer, programs);
    return programs;
  }

  /** Makes a folder and shares it with the account of another computer, at which it is accepted. */
  async share(owner: Computer, folder: string, member: Computer, role: 'editor' | 'viewer'): Promise<void> {
    await mkdir(owner.at(folder));
    await owner.cli('share', `/${folder}`, '--with', member.email, '--role', role);
    const name = folder.slice(folder.lastIndexOf('/') + 1);
    await this.until('it is invited', async () => (await member.run('accept', name)).code === 0);
    await this.untilThere(member.at(folder));
  }

  async untilThere(path: string): Promise<void> {
    await this.until(`there is ${path}`, async () => {
      return await access(path).then(
        () => true,
        () => false,
      );
    });
  }

  /** Resolves when it holds. @throws Error after three minutes */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + TIMEOUT; !(await holds()); await sleep(200)) {
      if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    }
  }

  /** Repairs networks, starts what is down, and waits until everything is in the cloud. */
  async heal(): Promise<void> {
    for (const { link } of this.computers) await link.heal();
    for (const computer of this.computers) await computer.up();
    for (let pass = 0; pass < 2; pass++) {
      for (const computer of this.computers) {
        const issues = await this.issues(computer);
        if (issues.some(({ kind }) => kind === 'held')) await computer.cli('confirm');
        await computer.cli('flush');
      }
    }
  }

  async issues(computer: Computer): Promise<readonly OpenIssue[]> {
    return await computer.json<readonly OpenIssue[]>('issues');
  }

  /** Everything that must hold once nothing disturbs any more. @param folder shown by all computers alike */
  async examine(folder: string): Promise<void> {
    const { t } = this;
    await this.heal();
    const [first, ...others] = this.computers;
    if (first === undefined) return;
    await this.#alike(folder, false);
    const shown = await shownBelow(first.at(folder), true);
    for (const other of others) {
      t.same(
        differences(shown, await shownBelow(other.at(folder), true)),
        [],
        `${other.name} shows what ${first.name} does`,
      );
    }
    t.same(await this.#freshDiffers(folder, shown), [], 'and so does a new computer');
    for (const computer of this.computers) {
      const issues = (await this.issues(computer)).filter(({ kind }) => !EXPECTED.has(kind));
      t.same(issues, [], `${computer.name} has no trouble`);
    }
    this.figures.conflicts = [...shown.keys()].filter((path) => path.includes('(conflict, ')).length;
    const missing = this.ledger.missing(await this.kept());
    t.same(missing, [], `${this.ledger.owed} acknowledged contents exist`);
    for (const what of missing) for (const line of this.#historyOf(what)) t.comment(line);
    await this.#sound(folder);
  }

  /** What was done at the name of a file that is missing. */
  #historyOf(missing: string): string[] {
    const [, name = missing] = /([^/.]+)[^/]* \(\w+\)$/.exec(missing) ?? [];
    return this.ledger.about(name);
  }

  /** The hashes of all contents that exist somewhere: files, versions, Trash, rescue folders. */
  async kept(): Promise<Set<string>> {
    const kept = new Set<string>();
    for (const email of [ADA, BOB]) {
      for (const hash of (await this.ask(email, 'kept')).trim().split('\n')) kept.add(hash);
    }
    for (const { data } of this.computers) for (const hash of await rescuedBy(data)) kept.add(hash);
    return kept;
  }

  /** Runs `account-main.ts`. */
  async ask(email: string, ...what: string[]): Promise<string> {
    const main = join(import.meta.dirname, 'account-main.ts');
    const node = [process.execPath, '--import', import.meta.resolve('tsx'), main, this.cloud.url, email, PASSWORD];
    const env = environment(this.cloud.data);
    return await runCommand('nsenter', [`--net=/run/netns/${this.network.cloud}`, ...node, ...what], { env });
  }

  /** Waits until all computers show the same in this folder. */
  async #alike(folder: string, content: boolean): Promise<void> {
    for (const end = Date.now() + TIMEOUT; Date.now() < end; await sleep(200)) {
      const all = await Promise.all(
        this.computers.map((one) => shownBelow(one.at(folder), content).catch(() => undefined)),
      );
      const [first, ...others] = all;
      if (first !== undefined && others.every((one) => one !== undefined && differences(first, one).length === 0))
        return;
    }
  }

  async #freshDiffers(folder: string, shown: Shown): Promise<string[]> {
    const fresh = await this.computer(`fresh${++this.#fresh}`, this.computers[0]?.email);
    let found: string[] = ['it shows nothing'];
    for (const end = Date.now() + TIMEOUT; found.length > 0 && Date.now() < end; await sleep(200)) {
      const there = await shownBelow(fresh.at(folder), true).catch(() => undefined);
      if (there !== undefined) found = differences(shown, there);
    }
    await fresh.remove();
    return found;
  }

  /** Databases and repositories are intact, as each computer shows them. */
  async #sound(folder: string): Promise<void> {
    for (const [author, programs] of this.programs) {
      const { sure, tried } = programs.rows;
      for (const computer of this.computers) {
        if (sure === 0) continue;
        const file = computer.at(folder, programs.database);
        // A copy, because SQLite may have to roll back what was interrupted, which is a change.
        const copy = join(this.#dir, 'examined.db');
        for (const end of ['', '-journal']) await rm(copy + end, { force: true });
        await copyFile(file, copy);
        await copyFile(`${file}-journal`, `${copy}-journal`).catch(() => undefined);
        const sql = 'pragma integrity_check; select count(*) from t;';
        const [check, rows] = (await runCommand('sqlite3', [copy, sql])).split('\n');
        this.t.equal(check, 'ok', `the database of ${author.name} is intact at ${computer.name}`);
        this.t.ok(Number(rows) >= sure && Number(rows) <= tried, `${rows} rows, of ${sure} to ${tried}`);
      }
    }
  }

  /** For the report. */
  summary(): string {
    const { rounds, kills, cloudKills, cuts, storms, skews, conflicts } = this.figures;
    const all = [...this.programs.values()].map(({ figures }) => figures);
    const [operations, failed] = [
      all.reduce((sum, one) => sum + one.operations, 0),
      all.reduce((sum, one) => sum + one.failed, 0),
    ];
    return (
      `seed ${this.seed}: ${rounds} rounds, ${operations} operations (${failed} failed in the program), ` +
      `${this.ledger.acknowledged} contents acknowledged, ${kills} gateways and ${cloudKills} clouds killed, ${cuts} cuts, ` +
      `${storms} storms, ${skews} wrong clocks, ${conflicts} conflict copies`
    );
  }
}
