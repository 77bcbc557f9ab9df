import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';
import { type Outcome, command } from './command.ts';
import { pattern } from './tree.ts';

t.setTimeout(500_000);

t.test('curl uploads, downloads and resumes, and is refused as HTTP requires', async (t) => {
  const { webdav } = await startFjord(t);
  const dir = t.testdir();
  const url = `${webdav.url}Sync/`;
  const curl = (...args: string[]): Promise<Outcome> =>
    command('curl', ['-sS', '--fail-with-body', '-u', `${webdav.user}:${webdav.password}`, ...args]);
  const status = async (...args: string[]): Promise<string> =>
    (await curl('-o', '/dev/null', '-w', '%{http_code}', ...args)).stdout;
  const source = join(dir, 'source');
  const bytes = pattern(5_000_000);
  await writeFile(source, bytes);

  await t.test('PUT with a length and in chunks', async (t) => {
    t.equal(await status('-T', source, `${url}sized`), '201');
    t.equal(await status('-T', '-', `${url}chunked`), '201', 'an empty standard input is an empty file');
    t.equal(
      (
        await command('sh', [
          '-c',
          `curl -sS -o /dev/null -w '%{http_code}' -u '${webdav.user}:${webdav.password}' -T - ${url}chunked < ${source}`,
        ])
      ).stdout,
      '204',
    );
    for (const name of ['sized', 'chunked']) {
      await curl('-o', join(dir, name), `${url}${name}`);
      t.ok(bytes.equals(await readFile(join(dir, name))), name);
    }
  });

  await t.test('ranges and resuming', async (t) => {
    t.equal((await curl('-r', '1048570-1048585', '-o', join(dir, 'part'), `${url}sized`)).code, 0);
    t.ok(bytes.subarray(1_048_570, 1_048_586).equals(await readFile(join(dir, 'part'))));
    await writeFile(join(dir, 'resumed'), bytes.subarray(0, 3_333_333));
    t.equal((await curl('-C', '-', '-o', join(dir, 'resumed'), `${url}sized`)).code, 0);
    t.ok(bytes.equals(await readFile(join(dir, 'resumed'))));
    t.equal(await status('-r', '5000000-', `${url}sized`), '416');
  });

  await t.test('conditions', async (t) => {
    const { stdout } = await curl('-I', `${url}sized`);
    const etag = /^etag: (.+?)\r?$/im.exec(stdout)?.[1] ?? '';
    t.match(etag, /^"[^"]+"$/);
    t.equal(await status('-H', `If-None-Match: ${etag}`, `${url}sized`), '304');
    t.equal(await status('-T', source, '-H', 'If-None-Match: *', `${url}sized`), '412');
    t.equal(await status('-T', source, '-H', `If-Match: ${etag}`, `${url}sized`), '204');
    t.equal(await status('-T', source, '-H', 'If-Match: "x"', `${url}sized`), '412');
    const after = /^etag: (.+?)\r?$/im.exec((await curl('-I', `${url}sized`)).stdout)?.[1];
    t.equal(after, etag, 'equal content stays the same version');
  });

  await t.test('times are kept', async (t) => {
    t.equal(await status('-T', source, '-H', 'X-OC-Mtime: 1500000000', `${url}dated`), '201');
    await curl('-R', '-o', join(dir, 'dated'), `${url}dated`);
    t.equal((await stat(join(dir, 'dated'))).mtimeMs, 1_500_000_000_000);
  });

  await t.test('authentication', async (t) => {
    t.equal((await command('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', url])).stdout, '401');
    t.equal(
      (await command('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-u', `${webdav.user}:no`, url])).stdout,
      '401',
    );
    t.equal(await status('--digest', `${url}sized`), '200');
    t.equal(await status('-H', 'Host: evil.example', `${url}sized`), '421');
    t.equal(await status('-H', 'Origin: http://evil.example', `${url}sized`), '403');
  });
});
