import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cli, Fjord, isAlive, startFjord } from '../helpers/gateway-process.ts';

t.setTimeout(500_000);

const long = { timeout: 300_000 };

t.test('everything is in the data folder, and a second run uses it', long, async (t) => {
  const fjord = await startFjord(t);
  const file = join(fjord.data, 'access.json');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(statSync(fjord.data).mode & 0o777, 0o700);
  for (const name of ['account.json', 'device.json', 'webdav.json']) {
    t.equal(statSync(join(fjord.data, name)).mode & 0o777, 0o600, name);
  }
  const first = JSON.parse(readFileSync(file, 'utf8')) as unknown;
  t.match(first, {
    pid: Number,
    webdav: { url: /^http:\/\/127\.0\.0\.1:\d+\/$/, user: 'fjord', password: String },
    cloud: { url: /^http:\/\/127\.0\.0\.1:\d+\/$/, pid: Number, email: /@/, password: String },
    gateway: { pid: Number },
    mount: null,
  });
  for (const word of ['Finder', 'net use', 'dav://', 'webdav://', 'davfs', 'rclone', fjord.webdav.password]) {
    t.match(fjord.output, word);
  }
  await fjord.cliWith({ input: 'kept' }, 'put', '-', '/Sync/a.txt');
  const { webdav, cloud } = fjord.access;

  t.match(await cli(['start', '--data', fjord.data]), { code: 6, stderr: /already running for this data folder/ });
  t.match(await cli(['up', '--data', fjord.data]), { code: 6, stderr: /already running for this data folder/ });

  t.equal(await fjord.stop('SIGTERM'), 0);
  t.notOk(existsSync(file), 'access.json is gone after a clean stop');
  t.notOk([fjord.access.gateway.pid, fjord.access.cloud.pid].some(isAlive));

  await fjord.start();
  t.same(fjord.webdav, webdav);
  t.equal(fjord.cloud.url, cloud.url);
  t.equal(fjord.cloud.password, cloud.password);
  t.equal((await fjord.cli('cat', '/Sync/a.txt')).stdout, 'kept');
});

t.test('two instances run side by side', long, async (t) => {
  const [one, two] = await Promise.all([startFjord(t), startFjord(t)]);
  t.not(one.webdav.url, two.webdav.url);
  t.not(one.webdav.password, two.webdav.password);
  await one.cliWith({ input: '1' }, 'put', '-', '/Sync/one');
  t.equal((await two.cli('ls', '/Sync')).stdout, '');
});

t.test('SIGINT uploads queued changes and says so; `down` stops everything', long, async (t) => {
  const fjord = await startFjord(t);
  await fjord.cliWith({ input: 'x'.repeat(100_000) }, 'put', '-', '/Archive/settling.txt');
  t.equal(await fjord.stop('SIGINT'), 0);
  t.match(fjord.output, /uploading queued changes; press Ctrl-C again to stop at once\neverything is in the cloud/);
  await fjord.start();
  t.ok((await fjord.cloudTree('Archive')).has('settling.txt'));
  const { code, stderr } = await fjord.cli('down');
  t.equal(code, 0, stderr);
  t.equal(await fjord.ended(), 0);
  t.notOk(existsSync(join(fjord.data, 'access.json')));
});

t.test('changes that are queued when it stops without draining are uploaded after the next start', long, async (t) => {
  const fjord = await startFjord(t);
  await fjord.cliWith({ input: 'later' }, 'put', '-', '/Archive/later.txt');
  const { code, stderr } = await fjord.cli('down', '--no-flush');
  t.equal(code, 0);
  t.match(stderr, /1 change, 5 B, still queued/);
  await fjord.ended();
  await fjord.start();
  t.equal((await fjord.cli('flush')).code, 0);
  t.equal(String(await (await fjord.cloudTree('Archive')).get('later.txt')?.()), 'later');
});

t.test('a killed cloud or gateway is restarted on its port', long, async (t) => {
  const fjord = await startFjord(t);
  const { webdav, cloud } = fjord.access;
  await fjord.cliWith({ input: 'one' }, 'put', '-', '/Sync/one');
  await fjord.killGateway();
  await fjord.gatewayBack();
  t.same(fjord.webdav, webdav);
  t.equal((await fjord.cli('cat', '/Sync/one')).stdout, 'one');

  await fjord.killCloud();
  await fjord.cliWith({ input: 'two' }, 'put', '-', '/Sync/two');
  await fjord.cloudBack();
  t.equal(fjord.cloud.url, cloud.url);
  t.equal((await fjord.cli('flush')).code, 0);
  t.ok((await fjord.cloudTree('Sync')).has('two'));
  t.match(fjord.output, /the gateway was killed by SIGKILL; it will be restarted/);
  t.match(fjord.output, /the cloud is serving again/);
});

t.test('when the parent is killed the children end, and a new start takes over', long, async (t) => {
  const fjord = await startFjord(t);
  const { gateway, cloud, webdav } = fjord.access;
  await fjord.cliWith({ input: 'one' }, 'put', '-', '/Sync/one');
  await fjord.killAll();
  t.notOk([gateway.pid, cloud.pid].some(isAlive), 'no child outlives it');
  t.ok(existsSync(join(fjord.data, 'access.json')));
  await fjord.start();
  t.same(fjord.webdav, webdav);
  t.equal((await fjord.cli('cat', '/Sync/one')).stdout, 'one');
});

t.test('a port in use is refused before anything is created', long, async (t) => {
  const fjord = await startFjord(t);
  const { port } = new URL(fjord.webdav.url);
  const other = new Fjord({ data: t.testdir(), args: ['--port', port] });
  await t.rejects(other.start(), { message: new RegExp(`port ${port} is in use by another program`) });
  t.equal(await other.ended(), 6);
});

t.test('a cloud and a gateway can run separately', long, async (t) => {
  const dir = t.testdir();
  const password = 'correct horse battery';
  const data = join(dir, 'cloud');
  const add = await cli(['cloud', 'user', 'add', '--data', data, '--password-file', '-', 'Me@Example.org'], {
    input: `${password}\n`,
  });
  t.equal(add.code, 0, add.stderr);
  const again = ['cloud', 'user', 'add', '--data', data, '--password-file', '-', 'me@example.org'];
  t.match(await cli(again, { input: password }), { code: 6, stderr: /already an account for me@example\.org/ });
  t.match(await cli([...again.slice(0, -1), 'nonsense'], { input: password }), { code: 2 });
  t.match(await cli(again, { input: 'short' }), { code: 2, stderr: /8 characters/ });
  t.match(await cli(['cloud', 'user', 'list', '--data', data]), { stdout: /^me@example\.org +0 B of 1\.0 TiB/ });
  const none = ['cloud', 'user', 'passwd', '--data', data, '--password-file', '-', 'you@example.org'];
  t.match(await cli(none, { input: password }), { code: 4 });
  t.match(await cli(['cloud', 'serve', '--data', data, '--listen', '4010']), { code: 2, stderr: /HOST:PORT/ });
  t.match(await cli(['cloud', 'serve', '--data', data, '--listen', '0.0.0.0:0']), { code: 1, stderr: /loopback/ });
});
