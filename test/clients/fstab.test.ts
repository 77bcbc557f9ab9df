import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { tryCommand } from '../helpers/run-command.ts';
import { temporary } from '../helpers/temporary.ts';

const root = join(import.meta.dirname, '../..');
const built = existsSync(join(root, 'dist/cli/fjord.cjs')) ? false : 'the program is not built';

t.setTimeout(500_000);

t.test('mount(8) mounts the drive through its helper', { skip: withoutFuse() || built }, async (t) => {
  const dir = temporary(t);
  const [helpers, data, point] = ['helpers', 'data', 'point'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [helpers, point]) mkdirSync(folder);
  symlinkSync(join(root, 'scripts/mount.fuse.fjord'), join(helpers, 'mount.fuse.fjord'));
  // A cloud and a device, with no process serving them.
  const fjord = await startFjord(t, { data });
  t.equal((await fjord.cliWith({ input: 'kept' }, 'put', '-', '/Sync/a')).code, 0);
  t.equal(await fjord.stop(), 0);
  const table = join(dir, 'fstab');
  writeFileSync(table, `${data} ${point} fuse.fjord _netdev,nofail,x-systemd.automount,no_passthrough 0 0\n`);

  // In a separate mount namespace, in which the helper is next to those of the system.
  const script = `
    mount -t overlay overlay -o "lowerdir=${helpers}:$(readlink -f /sbin)" "$(readlink -f /sbin)"
    cd /; export FJORD_CONFIG=${join(root, 'test/helpers/empty.toml')}
    mount -T ${table} ${point}
    findmnt -n -o FSTYPE,SOURCE ${point}
    test "$(cat ${point}/Sync/a)" = kept
    mount -a -T ${table}
    test "$(grep -c ' ${point} ' /proc/self/mountinfo)" = 1
    ! umount fjord 2> /dev/null
    echo new > ${point}/Sync/b
    pid=$(node -p 'require("${data}/access.json").pid')
    umount ${point}
    for i in $(seq 600); do kill -0 $pid 2> /dev/null || break; sleep 0.1; done
    ! kill -0 $pid 2> /dev/null
    test ! -e ${data}/access.json
    mount -t fuse.fjord ${data} ${point} -o port=0
    test "$(cat ${point}/Sync/b)" = new
    umount ${point}
    ! mount -t fuse.fjord ${data} ${point} -o sideways 2> ${dir}/errors
    ! mount -t fuse.fjord ${data} ${point} -o ro 2>> ${dir}/errors
    ! mount -t fuse.fjord ${dir}/nothing ${point} 2>> ${dir}/errors`;
  const inside = ['--mount', '--propagation', 'private', 'bash', '-euxc', script];
  const { code, out, errors } = await tryCommand('unshare', inside, { timeout: 400_000, cwd: '/' });
  if (!t.equal(code, 0)) t.comment(`${out}\n${errors}`);
  t.match(out, new RegExp(`^fuse\\.fjord +${data}$`, 'm'), 'the source is the data folder');
  t.match(readFileSync(join(dir, 'errors'), 'utf8'), /unknown option sideways[^]*read-only[^]*no data folder/);
});
