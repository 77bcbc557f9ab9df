import { join } from 'node:path';
import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { shell } from '../helpers/mount-shell.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';
import { makeTree } from './tree.ts';

t.setTimeout(500_000);

/** A project of thirty sources that include each other's headers. */
const PROJECT = `
  mkdir project; cd project
  for i in $(seq 30); do
    echo "int f$i(void);" > f$i.h
    printf '#include "f%d.h"\\n#include "f%d.h"\\nint f%d(void) { return %d; }\\n' $i $((i % 30 + 1)) $i $i > f$i.c
  done
  { seq -f '#include "f%g.h"' 30; echo '#include <stdio.h>'; echo 'int main(void) { int sum = 0;'
    seq -f 'sum += f%g();' 30; echo 'printf("%d\\n", sum); return 0; }'; } > main.c
  cat > Makefile <<'END'
sources := $(wildcard *.c)
program: $(sources:.c=.o)
	$(CC) -o $@ $^
%.o: %.c
	$(CC) -MMD -c -o $@ $<
clean:
	rm -f *.o *.d program
-include *.d
END`;

t.test('editors, compilers and databases on the mounted drive', { skip: withoutFuse() }, async (t) => {
  const source = t.testdir({ tree: {}, home: {} });
  const tree = join(source, 'tree');
  await makeTree(tree, { links: true });
  const { fjord, dir } = await startMounted(t);
  const sync = join(dir, 'Sync');
  const env = { S: tree, HOME: join(source, 'home'), TERM: 'xterm', TMPDIR: join(source, 'home') };
  const inCloud = async (path: string): Promise<string> => {
    t.equal((await fjord.cli('flush')).code, 0);
    return String(await (await fjord.cloudTree('Sync')).get(path)?.());
  };
  const versions = async (path: string): Promise<number> => {
    const { stdout } = await fjord.cli('versions', '--json', path);
    return (JSON.parse(stdout) as unknown[]).length;
  };

  await t.test('vi saves, and leaves nothing behind', async (t) => {
    await shell(t, sync, `mkdir vi; seq 1000 > vi/text; chmod 640 vi/text; sync -f vi`, env);
    t.match(await inCloud('vi/text'), /^1\n2\n/);
    const edit = (options: string, text: string) =>
      shell(t, sync, `vi -es ${options} -c '%s/^500$/${text}/' -c wq vi/text < /dev/null`, env);
    await edit('', 'changed');
    t.match(await inCloud('vi/text'), /\n499\nchanged\n501\n/);
    // Once by overwriting the file, once by renaming it and creating a new one.
    await shell(
      t,
      sync,
      `vi -es -c 'set nobackup writebackup backupcopy=no' -c '%s/^7$/seven/' -c wq vi/text < /dev/null`,
      env,
    );
    t.match(await inCloud('vi/text'), /\n6\nseven\n8\n/);
    await shell(
      t,
      sync,
      `test "$(ls -A vi)" = text; test "$(stat -c %a vi/text)" = 640; test "$(wc -l < vi/text)" = 1000`,
    );
    t.ok((await versions('/Sync/vi/text')) >= 2, 'the old content is kept as a version');
  });

  await t.test('nano saves', async (t) => {
    // Text, ^O and a yes to the name, ^X.
    const keys = `(sleep 1; printf 'hello from nano\\n'; sleep 1; printf '\\017'; sleep 1; printf '\\r'; sleep 1; printf '\\030')`;
    await shell(
      t,
      sync,
      `mkdir nano; ${keys} | script -qec 'nano nano/text' /dev/null > /dev/null; test "$(ls -A nano)" = text`,
      env,
    );
    t.match(await inCloud('nano/text'), /^hello from nano\n/);
  });

  await t.test('make builds what has changed, and nothing else', async (t) => {
    await shell(
      t,
      sync,
      `${PROJECT}
       make -s -j2; test "$(./program)" = 465
       make -q
       echo '// changed' >> f7.h
       ! make -q; make -j2 | grep -c MMD | grep -qx 3
       make -q; test "$(./program)" = 465
       make -s clean; ls | grep -vc '[ch]$' | grep -qx 1`,
      env,
    );
  });

  await t.test('rsync, tar and cp copy there, back and again', async (t) => {
    await shell(
      t,
      sync,
      `mkdir copies; cd copies
       rsync -a "$S/" r; test -z "$(rsync -aci --delete "$S/" r)"
       echo more > r/extra; rm r/.hidden; rsync -a --delete "$S/" r; diff -r --no-dereference "$S" r
       tar -C "$S" -cf in.tar .; mkdir t; tar -C t -xpf in.tar; tar -C t --compare -f in.tar
       cp -a "$S" c; cp -a c again; diff -r --no-dereference "$S" again
       list() { (cd "$1"; find . -printf '%p %m %Ts %s %l\\n' | grep -v ' [0-9]* $' | sort); }
       diff <(list "$S") <(list again)
       rm -r r t c`,
      env,
    );
    t.equal((await fjord.cli('flush')).code, 0);
    const cloud = await fjord.cloudTree('Sync');
    t.equal((await cloud.get('copies/again/deep/er/and deeper/leaf.bin')?.())?.length, 3_500_000);
    t.notOk(
      [...cloud.keys()].some((path) => path.startsWith('copies/r/')),
      'what was removed is gone there, too',
    );
  });

  for (const mode of ['delete', 'wal']) {
    await t.test(`sqlite3 writes while others read (journal: ${mode})`, async (t) => {
      await shell(
        t,
        sync,
        `sql() { sqlite3 -bail -cmd '.timeout 120000' ${mode}.db "$@"; }
         sql 'pragma journal_mode=${mode}' 'create table t(x, y)' > /dev/null
         write() { for j in $(seq 15); do sql "begin immediate; insert into t values($1, randomblob(3000)); insert into t values($1, zeroblob(9)); commit"; done; }
         read() { for j in $(seq 15); do sql 'select count(*) % 2 from t' | grep -qx 0; done; }
         write 1 & a=$!; write 2 & b=$!; read & c=$!; read & d=$!
         wait $a; wait $b; wait $c; wait $d
         test "$(sql 'select count(*) from t; pragma integrity_check')" = $'60\\nok'
         sql 'pragma wal_checkpoint(truncate)' 'vacuum' > /dev/null; sql 'pragma integrity_check' | grep -qx ok`,
        env,
      );
    });
  }

  await t.test('after a kill of the gateway everything is there', async (t) => {
    const sums = "find . -type f ! -name '*-shm' ! -name '*-wal' -print0 | sort -z | xargs -0 sha256sum | sha256sum";
    const before = await shell(t, sync, sums);
    await fjord.killGateway();
    await fjord.gatewayBack();
    t.equal(await shell(t, sync, sums), before);
    await shell(t, sync, `for db in delete wal; do sqlite3 $db.db 'pragma integrity_check' | grep -qx ok; done`);
    t.same((await fjord.cli('conflicts', '--json')).stdout.trim(), '[]');
  });
});
