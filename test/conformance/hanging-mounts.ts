/** Backups of network mounts whose server stops answering, by programs that people use for such. Run by `scripts/conformance`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { becomes, comesTo, stateOf } from '../helpers/backups.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { startFjord, type Fjord, type Outcome } from '../helpers/gateway-process.ts';
import { runCommand, tryCommand } from '../helpers/run-command.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(1_200_000);

/** `statfs(2)` of FUSE. */
const FUSE = 0x6573_5546;
/** Ms within which a command has to return, whatever hangs. */
const SOON = 30_000;

/** A WebDAV server for `below`, mounted on `dir` by a client. */
interface NetworkMount {
  readonly dir: string;
  readonly below: string;
  readonly server: ChildProcess;
}

type Client = (url: string, dir: string, base: string, t: Test) => Promise<void>;

const CLIENTS: Readonly<Record<string, Client>> = {
  async rclone(url, dir, _base, t) {
    const flags = ['--dir-cache-time', '0s', '--poll-interval', '0'];
    const child = spawn('rclone', ['mount', ...flags, '--webdav-url', url, ':webdav:', dir], { stdio: 'ignore' });
    t.teardown(() => void child.kill('SIGKILL'));
    for (const until = Date.now() + 30_000; statfsSync(dir).type !== FUSE; await sleep(100)) {
      if (Date.now() > until) throw new Error('rclone does not mount');
    }
  },
  async davfs2(url, dir, base) {
    const conf = join(base, 'davfs2.conf');
    writeFileSync(
      conf,
      'ask_auth 0\ncache_size 1\ndir_refresh 1\nfile_refresh 1\nconnect_timeout 5\nread_timeout 600\n',
    );
    await runCommand('mount', ['-t', 'davfs', '-o', `conf=${conf}`, url, dir]);
  },
};

async function open(t: Test, client: Client): Promise<NetworkMount> {
  const base = temporary(t);
  const [dir, below] = [join(base, 'mount'), join(base, 'below')];
  for (const one of [dir, below]) mkdirSync(one);
  for (let i = 0; i < 30; i++) writeFileSync(join(below, `file ${i}`), `content ${i}`);
  const port = await freePort();
  const args = ['serve', 'webdav', '--addr', `127.0.0.1:${port}`, '--dir-cache-time', '0s', below];
  const server = spawn('rclone', args, { stdio: 'ignore' });
  t.teardown(async () => {
    for (const signal of ['SIGCONT', 'SIGKILL'] as const) server.kill(signal);
    await tryCommand('umount', ['-i', '-f', '-l', dir]);
  });
  const url = `http://127.0.0.1:${port}/`;
  for (const until = Date.now() + 30_000; !(await fetch(url).catch(() => undefined))?.ok; await sleep(100)) {
    if (Date.now() > until) throw new Error('rclone does not serve');
  }
  await client(url, dir, base, t);
  return { dir, below, server };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A command that must not wait for the mount. */
async function soon(fjord: Fjord, ...args: string[]): Promise<Outcome> {
  const late = sleep(SOON, { code: -2, stdout: '', stderr: `\`fjord ${args.join(' ')}\` does not return` });
  return await Promise.race([fjord.cli(...args), late]);
}

async function hangs(fjord: Fjord, set: string): Promise<boolean> {
  for (const until = Date.now() + 120_000; Date.now() < until; await sleep(500)) {
    const state = await stateOf(fjord, set);
    if (state.doing === 'running' && 'silent' in state && state.silent !== undefined) return true;
  }
  return false;
}

/** davfs2 1.6 returns listings in a form that Linux 6.18 refuses, with any server. */
function lists(dir: string): boolean {
  try {
    return readdirSync(dir).length > 0;
  } catch {
    return false;
  }
}

/** A mount whose folders cannot be listed is said to be one, and removes nothing. */
async function refusesToList(t: Test, dir: string): Promise<void> {
  const fjord = await startFjord(t);
  t.match(await fjord.cli('backup', 'add', dir, '--name', 'remote'), { code: 0 });
  const run = await soon(fjord, 'backup', 'run', '--wait', 'remote');
  t.match(run, { code: 6, stderr: /remote: the folder cannot be read: EINVAL: invalid argument$/m });
  t.match(await fjord.cli('backup', 'status'), {
    stdout: /goes on by itself when the folder is there again and can be read/,
  });
  t.match(await soon(fjord, 'down'), { code: 0 });
}

for (const [name, client] of Object.entries(CLIENTS)) {
  t.test(`a mount by ${name} whose server hangs`, { skip: withoutFuse() }, async (t) => {
    const { dir, below, server } = await open(t, client);
    if (!lists(dir)) {
      await refusesToList(t, dir);
      return t.comment(`${name} lists no folder on this kernel, so a server that hangs cannot be tried`);
    }
    const healthy = temporary(t);
    writeFileSync(join(healthy, 'first'), '1');
    const fjord = await startFjord(t);
    // The end of a gateway with threads that wait in the kernel for the mount is not seen before it answers.
    t.teardown(() => void server.kill('SIGCONT'));
    const all = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`file ${i}`, `content ${i}`]));
    const mirrored = (more: Record<string, string>) =>
      Object.fromEntries(Object.entries({ ...all, ...more }).sort(([a], [b]) => (a < b ? -1 : 1)));
    t.match(await fjord.cli('backup', 'add', dir, '--name', 'remote'), { code: 0 });
    t.match(await fjord.cli('backup', 'add', healthy, '--name', 'healthy'), { code: 0 });
    t.match(await fjord.cli('backup', 'run', '--wait', 'remote'), { code: 0 });
    t.same(await becomes(fjord, 'remote', mirrored({})), mirrored({}));
    await comesTo(fjord, 'healthy', 'watching');

    server.kill('SIGSTOP');
    writeFileSync(join(below, 'new'), 'new');
    t.match(await soon(fjord, 'backup', 'run', 'remote'), { code: 0 });
    t.ok(await hangs(fjord, 'remote'), 'the set knows');
    t.match(await soon(fjord, 'status'), { stdout: /remote.*its disk has not answered for \d+ s/ });
    t.match(await soon(fjord, 'backup', 'list'), { code: 0, stdout: /remote/ });
    t.match(await soon(fjord, 'backup', 'log', 'remote'), { code: 0 });
    t.match(await soon(fjord, 'issues'), { stdout: /remote/ });
    writeFileSync(join(healthy, 'second'), '2');
    t.same(await becomes(fjord, 'healthy', { first: '1', second: '2' }), { first: '1', second: '2' });
    t.match(await soon(fjord, 'backup', 'pause', 'remote'), { code: 0 });
    t.match(await soon(fjord, 'backup', 'resume', 'remote'), { code: 0 });
    t.match(await soon(fjord, 'backup', 'run', 'remote'), { code: 0 });
    t.ok(await hangs(fjord, 'remote'), 'it hangs again');

    server.kill('SIGCONT');
    t.same(await becomes(fjord, 'remote', mirrored({ new: 'new' })), mirrored({ new: 'new' }), 'it goes on by itself');
    await comesTo(fjord, 'remote', 'watching');

    server.kill('SIGSTOP');
    t.match(await soon(fjord, 'backup', 'run', 'remote'), { code: 0 });
    t.ok(await hangs(fjord, 'remote'));
    t.match(await soon(fjord, 'backup', 'remove', '--keep', 'remote'), { code: 0 });
    // It may still be answered from what the client has cached.
    const again = await soon(fjord, 'backup', 'add', dir, '--name', 'again');
    t.match(again.stderr, /the first run has begun|does not answer/);
    t.match(await soon(fjord, 'down'), { code: 0 });
  });
}
