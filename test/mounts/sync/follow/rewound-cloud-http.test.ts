import { cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startCloud, type Cloud } from '../../../../src/cloud/server/service.ts';
import { type TestCloud, login } from '../../../helpers/cloud.ts';
import { rest } from '../../../helpers/devices.ts';
import { openHttpDevice } from '../../../helpers/http-devices.ts';
import { TestPostgres, findPostgres } from '../../../helpers/postgres.ts';
import { temporary } from '../../../helpers/temporary.ts';

t.setTimeout(500_000);

const email = 'ada@example.org';
const password = 'correct horse battery';

/** A cloud over HTTP that is stopped, put back to an older copy of all that it keeps, and started on the same port. */
class RestoredCloud {
  readonly data: string;
  readonly #postgres: TestPostgres | undefined;
  readonly #copy: string;
  #database: string | undefined;
  #cloud: Cloud | undefined;

  constructor(dir: string, postgres?: TestPostgres) {
    this.data = join(dir, 'cloud');
    this.#copy = join(dir, 'copy');
    this.#postgres = postgres;
  }

  get cloud(): Cloud {
    if (this.#cloud === undefined) throw new Error('it does not run');
    return this.#cloud;
  }

  async start(port = 0): Promise<void> {
    this.#database ??= await this.#postgres?.database('cloud');
    this.#cloud = await startCloud({ data: this.data, database: this.#database, host: '127.0.0.1', port });
  }

  async stop(): Promise<void> {
    await this.#cloud?.close();
  }

  async save(): Promise<void> {
    const { port } = this.cloud;
    await this.stop();
    cpSync(this.data, this.#copy, { recursive: true });
    await this.#postgres?.copy('cloud', 'saved');
    await this.start(port);
  }

  async restore(): Promise<void> {
    const { port } = this.cloud;
    await this.stop();
    for (const name of readdirSync(this.data)) rmSync(join(this.data, name), { recursive: true });
    cpSync(this.#copy, this.data, { recursive: true });
    await this.#postgres?.copy('saved', 'cloud');
    await this.start(port);
  }
}

async function check(t: Test, postgres?: TestPostgres): Promise<void> {
  const restored = new RestoredCloud(temporary(t), postgres);
  await restored.start();
  t.teardown(() => restored.stop());
  const { cloud, data } = restored;
  await cloud.accounts.add(email, password);
  const { url } = cloud;
  const account: TestCloud = {
    cloud,
    url,
    data,
    email,
    password,
    login: (device) => login(url, email, password, device),
  };
  const { device: a } = await openHttpDevice(t, account, 'alpha');
  const { device: b } = await openHttpDevice(t, account, 'beta');
  await a.mkdir('/Sync/old');
  for (let i = 0; i < 5; i++) await a.write(`/Sync/old/${i}`, `content ${i}`);
  await rest(a, b);
  await restored.save();

  await a.mkdir('/Sync/new');
  for (let i = 0; i < 5; i++) await a.write(`/Sync/new/${i}`, `new ${i}`);
  await a.write('/Sync/new/large', Buffer.alloc(2_500_000, 'large'));
  await a.write('/Sync/old/1', 'a later version');
  await a.rename('/Sync/old/2', '/Sync/new/moved');
  await rest(a, b);
  const before = await a.tree();
  await restored.restore();
  await rest(a, b);
  await rest(a, b);
  t.strictSame(await a.tree(), before, 'the one that has made it');
  t.strictSame(await b.tree(), before, 'the other');
  const { device: fresh } = await openHttpDevice(t, account, 'fresh');
  t.strictSame(await fresh.tree(), before, 'a fresh one: the cloud has it again, content included');
  for (const device of [a, b]) t.strictSame((await device.gateway.issues()).first, []);
}

t.test('a cloud that was restored from an older copy, over HTTP: SQLite', (t) => check(t));

const found = findPostgres();
t.test(
  'a cloud that was restored from an older copy, over HTTP: PostgreSQL',
  { skip: 'missing' in found && found.missing },
  async (t) => check(t, 'bin' in found ? await TestPostgres.start(t, found.bin) : undefined),
);
