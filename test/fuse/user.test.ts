import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { runCommand, tryCommand } from '../helpers/run-command.ts';

const NOBODY = 65_534;
const project = join(import.meta.dirname, '../..');

async function missing(): Promise<string | false> {
  const reason = withoutFuse();
  if (reason !== false) return reason;
  const { code } = await tryCommand('bash', ['-c', 'command -v fusermount3 unshare setpriv']);
  return code !== 0 && 'needs fusermount3, unshare and setpriv';
}

// In a separate mount namespace, where every user can open /dev/fuse, as on most systems.
const enter = `
  mknod -m 666 "$1/fuse" c 10 229 && mount --bind "$1/fuse" /dev/fuse
  exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups "$2" --import=tsx test/helpers/fuse-user.ts "$1/mount" "$3"`;

t.test('an unprivileged user mounts through fusermount3', { skip: await missing() }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'fjord-user-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  chmodSync(dir, 0o755);
  await runCommand('mkdir', [join(dir, 'mount')]);
  chownSync(join(dir, 'mount'), NOBODY, NOBODY);
  const script = `
    echo hello > f && mkdir d && mv f d/g && cat d/g && stat -c %u d/g && df --output=source . | tail -1
    head -c 5000000 /dev/zero > big && cmp -n 5000000 big /dev/zero && rm -r d big && ls -A`;
  const args = ['--mount', '--propagation', 'private', 'bash', '-c', enter, 'sh', dir, process.execPath, script];
  const env = { ...process.env, HOME: dir };
  const out = await runCommand('unshare', args, { cwd: project, timeout: 60_000, env });
  t.strictSame(out.trim().split('\n'), ['hello', String(NOBODY), 'a, name', 'unmounted']);
});
