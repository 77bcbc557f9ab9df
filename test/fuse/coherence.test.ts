import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { until } from '../contract/file-system/rig.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';

t.setTimeout(500_000);

// The kernel may cache everything for a day, so changes made elsewhere are seen only because it is notified.
t.test('changes made elsewhere', { skip: withoutFuse() }, async (t) => {
  for (const slow of [false, true]) {
    t.test(slow ? 'when the file system lets everybody wait' : 'when the file system answers at once', async (t) => {
      const mount = await FuseProcess.start({ slow });
      t.teardown(() => mount.stop());
      await changes(t, mount);
    });
  }
});

async function changes(t: Test, mount: FuseProcess): Promise<void> {
  const at = (path: string): string => join(mount.dir, path);
  const exists = (path: string): Promise<boolean> =>
    stat(at(path)).then(
      () => true,
      () => false,
    );

  t.test('a file appears whose absence was cached', async (t) => {
    await mkdir(at('a'));
    t.notOk(await exists('a/f'));
    t.strictSame(await readdir(at('a')), []);
    await mount.order('write', 'a/f', 'hello');
    await until(() => exists('a/f'), 'there');
    t.strictSame(await readdir(at('a')), ['f']);
    t.equal(await readFile(at('a/f'), 'utf8'), 'hello');
  });

  t.test('a name appears in a listing that was read and cached', async (t) => {
    await mkdir(at('b'));
    await writeFile(at('b/one'), '1');
    for (let i = 0; i < 3; i++) t.strictSame(await readdir(at('b')), ['one']);
    await mount.order('mkdir', 'b/two');
    await until(async () => (await readdir(at('b'))).length === 2, 'listed');
    await mount.order('rename', 'b/one', 'three');
    await until(async () => (await readdir(at('b'))).includes('three'), 'renamed in the listing');
    t.strictSame((await readdir(at('b'))).sort(), ['three', 'two']);
    await until(async () => !(await exists('b/one')), 'the old name is gone');
    t.equal(await readFile(at('b/three'), 'utf8'), '1');
  });

  t.test('a file disappears', async (t) => {
    await writeFile(at('gone'), 'x');
    t.ok(await exists('gone'));
    const handle = await open(at('gone'));
    await mount.order('unlink', 'gone');
    await until(async () => !(await exists('gone')), 'gone');
    t.equal((await handle.read({ buffer: Buffer.alloc(9), position: 0 })).bytesRead, 1, 'still open');
    await handle.close();
    await writeFile(at('gone'), 'again');
    t.equal(await readFile(at('gone'), 'utf8'), 'again');
  });

  t.test('content and size change, also for programs that have the file open', async (t) => {
    await writeFile(at('f'), 'first');
    const handle = await open(at('f'));
    t.equal(await readFile(at('f'), 'utf8'), 'first');
    const read = async (): Promise<string> => {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(100), position: 0 });
      return buffer.toString('utf8', 0, bytesRead);
    };
    t.equal(await read(), 'first');
    await mount.order('write', 'f', 'the second one');
    await until(async () => (await read()) === 'the second one', 'read through the open file');
    t.equal((await stat(at('f'))).size, 14);
    await mount.order('write', 'f', 'THE SECOND ONE');
    await until(async () => (await read()) === 'THE SECOND ONE', 'same size, other content');
    await mount.order('write', 'f', '3');
    await until(async () => (await stat(at('f'))).size === 1, 'shorter');
    t.equal(await readFile(at('f'), 'utf8'), '3');
    await handle.close();
  });

  t.test('a watcher is notified of a removal, and an open file has no link left', async (t) => {
    await writeFile(at('watched'), 'x');
    const watcher = watch(at('watched'));
    const heard = once(watcher, 'change');
    await mount.order('unlink', 'watched');
    t.equal((await heard)[0], 'rename');
    watcher.close();
    await writeFile(at('held'), 'x');
    const handle = await open(at('held'));
    await mount.order('unlink', 'held');
    await until(async () => (await handle.stat()).nlink === 0, 'no link is left');
    await handle.close();
  });

  t.test('the mode changes', async (t) => {
    await writeFile(at('m'), 'x', { mode: 0o644 });
    t.equal((await stat(at('m'))).mode & 0o777, 0o644);
    await mount.order('chmod', 'm', '600');
    await until(async () => ((await stat(at('m'))).mode & 0o777) === 0o600, 'told');
  });

  t.test('changes through the mount and changes made elsewhere alternate', async (t) => {
    await writeFile(at('turn'), '');
    for (let i = 0; i < 20; i++) {
      await writeFile(at('turn'), `here ${i}`);
      t.equal(await mount.order('read', 'turn'), `here ${i}`);
      await mount.order('write', 'turn', `below ${i}`);
      await until(async () => (await readFile(at('turn'), 'utf8')) === `below ${i}`, `below ${i}`);
    }
  });

  t.test('names that both sides create and remove', async (t) => {
    await mkdir(at('both'));
    for (let i = 0; i < 20; i++) {
      await writeFile(at('both/x'), `${i}`);
      await mount.order('unlink', 'both/x');
      await until(async () => !(await exists('both/x')), 'gone');
      await mount.order('write', 'both/x', 'theirs');
      await until(() => exists('both/x'), 'there');
      await rename(at('both/x'), at('both/y'));
      await mount.order('unlink', 'both/y');
      await until(async () => (await readdir(at('both'))).length === 0, 'empty');
      await writeFile(at('both/z'), '');
      await unlink(at('both/z'));
    }
    t.strictSame(await readdir(at('both')), []);
  });

  t.test('tail -f shows what is appended elsewhere', async (t) => {
    await writeFile(at('log'), 'start\n');
    const tail = spawn('tail', ['-n', '+1', '-f', at('log')], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.teardown(() => tail.kill());
    let text = '';
    tail.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    await until(() => text === 'start\n', 'the start');
    await mount.order('append', 'log', 'one\n');
    await until(() => text === 'start\none\n', 'the first line');
    await mount.order('append', 'log', 'two\n');
    await until(() => text === 'start\none\ntwo\n', 'the second line');
    t.equal(text, 'start\none\ntwo\n');
  });
}
