import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import { runCommand, tryCommand } from '../helpers/run-command.ts';

const NOBODY = '65534';

async function missing(): Promise<string | false> {
  const reason = withoutFuse();
  if (reason !== false) return reason;
  return (await tryCommand('which', ['initdb', 'postgres'])).code !== 0 && 'PostgreSQL is not installed';
}

// PostgreSQL refuses to run as root, so the mount belongs to another user, who must have access.
t.test('PostgreSQL keeps a database on the mount', { skip: await missing() }, async (t) => {
  const mount = await FuseProcess.start({ uid: Number(NOBODY), gid: Number(NOBODY), allowOther: true });
  t.teardown(() => mount.stop());
  const script = `
    mkdir pg; chmod 700 pg; initdb -D pg -A trust > /dev/null
    run() { postgres --single -D pg postgres 2> /dev/null; }
    echo 'create table t as select generate_series(1, 10000) x' | run > /dev/null
    echo 'select count(*), sum(x) from t' | run | grep -o '"[0-9]*"' | tr '\\n' ' '`;
  const who = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];
  const env = { ...process.env, HOME: mount.dir };
  const out = await runCommand('setpriv', [...who, 'bash', '-euc', script], { cwd: mount.dir, env, timeout: 120_000 });
  t.equal(out.trim(), '"10000" "50005000"');
  t.equal(mount.errors, '');
});
