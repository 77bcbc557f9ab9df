import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

/** The sync calls of a process, as traced by the system. */
class SyncTrace {
  readonly #file: string;
  readonly #child: ChildProcess;

  private constructor(file: string, child: ChildProcess) {
    this.#file = file;
    this.#child = child;
  }

  static async start(t: Test, pid: number): Promise<SyncTrace> {
    const file = join(temporary(t), 'trace');
    const calls = 'fsync,fdatasync,syncfs';
    const child = spawn('strace', ['-f', '-y', '-e', `trace=${calls}`, '-o', file, '-p', `${pid}`]);
    t.teardown(() => child.kill('SIGKILL'));
    await once(child.stderr, 'data');
    return new SyncTrace(file, child);
  }

  /** The files that were synced, in order: `content`, `records` or `all`. */
  async synced(): Promise<string[]> {
    const lines = (await readFile(this.#file, 'utf8')).split('\n');
    return lines.flatMap((line) => {
      if (/syncfs\(/.test(line)) return ['all'];
      const path = /f(?:data)?sync\(\d+<([^>]*)>/.exec(line)?.[1];
      if (path === undefined) return [];
      return /\/staging\/[^/]+$/.test(path) ? ['content'] : /\/db\/[^/]+\.log$/.test(path) ? ['records'] : [];
    });
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    await exit;
  }
}

function missing(): string | false {
  try {
    // The running process is traced, which some containers forbid.
    const attach = 'sleep 9 & s=$!; timeout -s INT 1 strace -o /dev/null -p $s 2>&1; kill $s';
    if (!execFileSync('sh', ['-c', attach], { encoding: 'utf8' }).includes('attached')) return 'needs strace -p';
  } catch {
    return 'needs strace';
  }
  return withoutFuse();
}

const skip = missing();

t.test('with durability = "power" each response of the drive has waited for the disk', { skip }, async (t) => {
  const { fjord, dir } = await startMounted(t, { env: { FJORD_DURABILITY: 'power' } });
  const trace = await SyncTrace.start(t, fjord.access.gateway.pid);
  /** The syncs before a program gets its response. */
  const during = async (act: () => Promise<unknown>): Promise<string[]> => {
    const { length } = await trace.synced();
    await act();
    // The trace is written as calls end.
    return (await trace.synced()).slice(length);
  };
  const file = join(dir, 'Sync', 'f');
  const made = await during(() => mkdir(join(dir, 'Sync', 'folder')));
  t.ok(made.includes('records'), `mkdir: ${made.join(' ')}`);
  const written = await during(() => writeFile(file, 'content'));
  const content = written.indexOf('content');
  t.ok(content >= 0 && written.lastIndexOf('records') > content, `close: ${written.join(' ')}`);
  const moved = await during(() => rename(file, `${file}2`));
  t.ok(moved.includes('records'), `rename: ${moved.join(' ')}`);
  await trace.stop();
});

t.test('otherwise content is synced before records, about a second after the last write', { skip }, async (t) => {
  const { fjord, dir } = await startMounted(t);
  const trace = await SyncTrace.start(t, fjord.access.gateway.pid);
  // The file settles there, so it is on the disk before it is in the cloud.
  await writeFile(join(dir, 'Archive', 'f'), 'content');
  let seen: string[] = [];
  for (const end = Date.now() + 60_000; !seen.includes('content') && Date.now() < end; await sleep(100)) {
    seen = await trace.synced();
  }
  for (const end = Date.now() + 60_000; seen.at(-1) !== 'records' && Date.now() < end; await sleep(100)) {
    seen = await trace.synced();
  }
  t.ok(seen.indexOf('content') >= 0 && seen.lastIndexOf('records') > seen.indexOf('content'), seen.join(' '));
  await trace.stop();
});
