import { join } from 'node:path';
import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { shell } from '../helpers/mount-shell.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';

t.setTimeout(500_000);

const MAKE = `
  mkdir -p tree/closed/deeper "tree/with space"; cd tree
  head -c 300000 /dev/urandom > closed/large; echo small > "with space/small"
  for i in $(seq 40); do echo $i > file-$i; done
  ln -s nowhere link; ln -s ../file-1 closed/up
  chmod 0751 file-1; chmod 2750 "with space"; chmod 0500 closed/deeper closed
  i=0; find . -depth | while read -r name; do
    i=$((i + 1)); touch -h -d "@$((1234567890 + i * 777)).$(printf %06d $((i * 23457 % 1000000)))" "$name"; done`;

/** For each node: path, kind, mode, size of files, time in nanoseconds, target. */
const LIST = `find . -printf '%p %y %m %T+ %l' \\( -type f -printf ' %s\\n' -o -printf '\\n' \\) | sort`;

t.test(
  'a tree is downloaded with the modes and times of its files, folders and symlinks',
  { skip: withoutFuse() },
  async (t) => {
    const { fjord, dir } = await startMounted(t);
    const here = t.testdir();
    await shell(t, here, MAKE);
    await shell(t, here, 'cp -a tree "$M/Sync/tree"', { M: dir });
    const made = await shell(t, join(here, 'tree'), LIST);
    t.equal(made.split('\n').length, 49);
    t.equal(await shell(t, join(dir, 'Sync/tree'), LIST), made, 'as the mount shows it');
    const got = await fjord.cli('get', '-r', '/Sync/tree', join(here, 'back'));
    t.equal(got.code, 0, got.stderr);
    t.equal(await shell(t, join(here, 'back'), LIST), made);
    await shell(t, here, 'diff -r --no-dereference tree back');
  },
);
