/** Third-party programs on the mounted drive, for longer than `scripts/test` has time. Run by `scripts/conformance`. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { asNobody, withoutNobody } from '../helpers/as-nobody.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';
import { tryCommand } from '../helpers/run-command.ts';

/** Run time of each program that takes a duration, s. */
const SECONDS = Number(process.env['FJORD_CONFORMANCE_SECONDS'] ?? 60);
const skip = withoutFuse();

t.setTimeout(3_600_000);

const VERIFY = '--verify=crc32c --verify_fatal=1 --verify_state_save=0 --output-format=terse';
const JOBS: Readonly<Record<string, string>> = {
  mixed: '--rw=randrw --bs=4k-128k --size=128m --numjobs=4',
  'in order': '--rw=write --bs=1m --size=512m --end_fsync=1',
  backwards: '--rw=write:-8k --bs=4k --size=32m',
  direct: '--rw=randwrite --bs=4k-64k --size=64m --direct=1 --ioengine=libaio --iodepth=16 --numjobs=2',
  mapped: '--rw=randwrite --bs=4k --size=64m --ioengine=mmap',
  synced: '--rw=randwrite --bs=4k --size=8m --fsync=4',
  beyond: '--rw=randwrite --bs=64k --size=64m --offset=5g',
};

/** Stressors that verify their results; with `--xattr` also those for extended attributes. */
const STRESSORS =
  'access chdir chmod copy-file dentry dir dirdeep dirmany fallocate fcntl fd-race filename flock fpunch fstat getdent hdd iomix lease lockf locka ' +
  'lockofd metamix mmap mmapaddr msync open readahead rename sendfile seek splice symlink sync-file touch truncate unlink utime vm-splice ' +
  'xattr';

t.test('fio reads what it has written', { skip }, async (t) => {
  const { fjord, dir } = await startMounted(t);
  for (const [name, how] of Object.entries(JOBS)) {
    await works(t, 'fio', `--name=${name.replace(' ', '-')} ${how} ${VERIFY}`, join(dir, 'Sync'));
  }
  t.equal((await fjord.cli('flush')).code, 0);
});

for (const driver of ['--passthrough', '--no-passthrough']) {
  t.test(`dbench and stress-ng (${driver.slice(2)})`, { skip }, async (t) => {
    const args = driver === '--no-passthrough' ? [driver, '--xattr'] : ['--xattr'];
    const { fjord, dir } = await startMounted(t, { args });
    const sync = join(dir, 'Sync');
    await works(t, 'dbench', `-t ${SECONDS} -D . 4`, sync);
    const { out } = await tryCommand('stress-ng', ['--stressors']);
    const known = new Set(out.split(/\s+/));
    for (const stressor of STRESSORS.split(/\s+/).filter((one) => known.has(one))) {
      await works(t, 'stress-ng', `--temp-path . --${stressor} 2 --timeout ${Math.ceil(SECONDS / 20)}s --verify`, sync);
    }
    t.equal((await fjord.cli('flush')).code, 0);
    t.same((await fjord.cli('conflicts', '--json')).stdout.trim(), '[]');
  });
}

t.test('PostgreSQL keeps its tables', { skip: await withoutPostgres() }, async (t) => {
  const script = `
    begin
    export PGDATA="$M/Sync/pg" PGHOST="$D" PATH="$(dirname "$(readlink -f "$(command -v initdb)")"):$PATH"
    initdb --no-sync -A trust > "$D/initdb.log"
    serve() { pg_ctl -w -t 180 -l "$D/postgres.log" -o "-c listen_addresses= -k $D" start > /dev/null; }
    serve; createdb bench; pgbench -q -i -s 5 bench 2> /dev/null
    pgbench -n -c 4 -j 2 -T ${SECONDS} bench > "$D/pgbench.log"
    sum() { psql -Atc 'select (select sum(abalance) from pgbench_accounts) = (select sum(delta) from pgbench_history),
      (select sum(bbalance) from pgbench_branches) = (select sum(delta) from pgbench_history), count(*) > 0 from pgbench_history' bench; }
    sum; pg_ctl -m immediate stop > /dev/null; serve; sum
    psql -qAtc 'create extension amcheck' -c "select count(bt_index_check(oid)) > 0 from pg_class where relname like 'pgbench%pkey'" bench
    pg_ctl -m fast stop > /dev/null
    fjord conflicts --json; end`;
  const { code, out, errors } = await asNobody(t, script, { timeout: 1_800_000 });
  if (!t.equal(code, 0)) t.comment(`${out}\n${errors}`);
  t.equal(out, 't|t|t\nt|t|t\nt\n[]\n');
});

async function withoutPostgres(): Promise<string | false> {
  const reason = await withoutNobody();
  if (reason !== false) return reason;
  const { code } = await tryCommand('bash', ['-c', 'command -v initdb pgbench']);
  return code !== 0 && 'PostgreSQL is not installed';
}

async function works(t: Test, name: string, args: string, cwd: string): Promise<void> {
  const { code, signal, out, errors } = await tryCommand(name, args.split(' '), { cwd, timeout: 900_000 });
  if (!t.equal(code ?? signal, 0, `${name} ${args}`)) t.comment(`${out}\n${errors}`);
}
