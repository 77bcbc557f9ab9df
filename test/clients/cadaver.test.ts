import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';
import { command } from './command.ts';
import { pattern } from './tree.ts';

t.setTimeout(500_000);

t.test('a session of cadaver', async (t) => {
  const { webdav } = await startFjord(t);
  const home = t.testdir();
  const { hostname } = new URL(webdav.url);
  await writeFile(join(home, '.netrc'), `machine ${hostname} login ${webdav.user} password ${webdav.password}\n`, {
    mode: 0o600,
  });
  await writeFile(join(home, 'local.bin'), pattern(1_500_000));
  const script = `mkcol papers
cd papers
put local.bin a.bin
copy a.bin b.bin
move b.bin c.bin
lock c.bin
unlock c.bin
propset c.bin colour red
propget c.bin colour
ls
get c.bin back.bin
delete a.bin
ls
cd ..
rmcol papers
ls
quit
`;
  const env = { ...process.env, HOME: home };
  const { stdout, stderr } = await command('cadaver', [`${webdav.url}Sync/`], {
    cwd: home,
    input: script,
    env,
    timeout: 60_000,
  });
  const said = stdout + stderr;
  t.notMatch(said, /fail|error/i, said);
  t.equal(said.match(/succeeded/g)?.length, 12, said);
  t.match(said, /Value of colour is: red/);
  t.ok(pattern(1_500_000).equals(await readFile(join(home, 'back.bin'))));
});
