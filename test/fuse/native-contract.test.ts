import { execFile } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { loadLibrary } from '../../src/fuse/native/library.ts';
import type { FsError } from '../../src/vfs/fs-error.ts';
import { fileSystemContract } from '../contract/file-system.ts';
import type { Rig, Traits } from '../contract/file-system/rig.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import { HOST_TRAITS, HostFs } from '../helpers/host-fs.ts';

t.setTimeout(500_000);

const skip = withoutFuse() || (await withoutLibrary());
const run = promisify(execFile);
const PAST = new Date('2001-02-03T04:05:06Z');
const LONG_PAST = new Date('1999-01-01T00:00:00Z');

/** Capabilities that libfuse 2 makes impossible. */
const NATIVE_TRAITS: Partial<Traits> = { ...HOST_TRAITS, openRemovedTree: false };

t.test('over a mount of fuse-native', { skip }, async (t) => contract(t, false));
t.test('over a mount of an asynchronous file system', { skip }, async (t) => contract(t, true));

function contract(t: Test, slow: boolean): void {
  const mounted = async (): Promise<Rig> => {
    const mount = await FuseProcess.start({ slow, driver: 'native' });
    const fs = new HostFs(mount.dir);
    const teardown = async (): Promise<void> => {
      await mount.stop();
      t.equal(mount.errors, '', 'no error was logged');
    };
    return { fs, folder: fs.root, teardown };
  };
  fileSystemContract(t, mounted, { ...NATIVE_TRAITS, runs: 20 });
}

t.test('its features', { skip }, async (t) => {
  const mount = await started(t);
  t.test('a change made elsewhere is seen at once, in name, size and content', async (t) => {
    const path = join(mount.dir, 'seen');
    await t.rejects(stat(path), { code: 'ENOENT' });
    await mount.order('write', 'seen', 'one');
    t.equal(await readFile(path, 'utf8'), 'one');
    await mount.order('write', 'seen', 'longer');
    t.equal((await stat(path)).size, 6);
    t.equal(await readFile(path, 'utf8'), 'longer');
    await mount.order('unlink', 'seen');
    await t.rejects(stat(path), { code: 'ENOENT' });
  });
  t.test('a folder that was renamed elsewhere is found only by its new name', async (t) => {
    await mkdir(join(mount.dir, 'a/b'), { recursive: true });
    await writeFile(join(mount.dir, 'a/b/f'), 'f');
    await mount.order('rename', 'a', 'z');
    t.equal(await readFile(join(mount.dir, 'z/b/f'), 'utf8'), 'f');
    await t.rejects(readFile(join(mount.dir, 'a/b/f')), { code: 'ENOENT' });
  });
  t.test('a removed open file is not listed, and can still be used', async (t) => {
    const folder = join(mount.dir, 'folder');
    await mkdir(folder);
    const file = await open(join(folder, 'f'), 'w+');
    await file.write('one');
    await rm(join(folder, 'f'));
    t.strictSame(await readdir(folder), [], 'no hidden file');
    await file.write('two');
    await file.truncate(5);
    t.equal((await file.stat()).size, 5);
    t.equal((await file.read(Buffer.alloc(9), 0, 9, 0)).buffer.toString('utf8', 0, 5), 'onetw');
    await file.close();
    await rmdir(folder);
  });
  t.test('a write is more than a page', async (t) => {
    await mount.order('count');
    await writeFile(join(mount.dir, 'large'), Buffer.alloc(4 << 20, 1));
    const { write = 0 } = (await mount.order('count')) as Record<string, number>;
    t.ok(write <= 64, `${write} writes`);
  });
});

// Each of these is a fault of the package. If one is fixed, its test fails and can be removed.
t.test('its known failures', { skip }, async (t) => {
  const mount = await started(t);
  t.test('`touch -m` changes nothing', async (t) => {
    const path = join(mount.dir, 'touched');
    await writeFile(path, '');
    await run('touch', ['-m', '-d', PAST.toISOString(), path]);
    t.not((await stat(path)).mtimeMs, PAST.getTime());
  });
  t.test('`cp -p` sets the access time as the modification time', async (t) => {
    const from = join(t.testdir({ f: 'content' }), 'f');
    await utimes(from, LONG_PAST, PAST);
    await run('cp', ['-p', from, join(mount.dir, 'copied')]);
    t.equal((await stat(join(mount.dir, 'copied'))).mtimeMs, LONG_PAST.getTime());
  });
  t.test('an open file in a folder that is removed cannot be used any more', async (t) => {
    await mkdir(join(mount.dir, 'doomed'));
    const file = await open(join(mount.dir, 'doomed/f'), 'w+');
    await rm(join(mount.dir, 'doomed'), { recursive: true });
    await t.rejects(file.write('more'), { code: 'ENOENT' });
    await file.close().catch(() => {});
  });
});

async function started(t: Test): Promise<FuseProcess> {
  const mount = await FuseProcess.start({ driver: 'native' });
  t.teardown(() => mount.stop());
  return mount;
}

async function withoutLibrary(): Promise<string | false> {
  try {
    await loadLibrary('test');
    return false;
  } catch (error) {
    return (error as FsError).reason ?? String(error);
  }
}
