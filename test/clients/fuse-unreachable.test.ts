import { stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startCloudProcess } from '../helpers/cloud-process.ts';
import { startFaultyProxy } from '../helpers/faulty-proxy.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { MountedDevice } from '../helpers/mounted-device.ts';
import { tryCommand } from '../helpers/run-command.ts';

t.setTimeout(600_000);

const LARGE = 20 << 20;
const SMALL = 4 << 20;

const python = (body: string): string => `python3 -c '
import os, shutil, sys
source, target = sys.argv[1:]
${body}' "$F" "$T/copy"`;

interface Reader {
  /** A script that reads a whole file, `$F`, and may write below `$T`. */
  readonly script: string;
  /** Size of the file in bytes. */
  readonly size: number;
}

/**
 * zip 3.0 and `$(<file)` of bash 5.2 are not included, as they take every error of read(2) for the end of the file, on
 * any disk (`strace -e inject=read:error=EIO`).
 */
const PROGRAMS: Readonly<Record<string, Reader>> = {
  copy: { script: python('shutil.copy(source, target)'), size: LARGE },
  copyfileobj: {
    script: python('with open(source, "rb") as a, open(target, "wb") as b: shutil.copyfileobj(a, b)'),
    size: LARGE,
  },
  'unbuffered-read': {
    script: python(`
fd, total = os.open(source, os.O_RDONLY), 0
while part := os.read(fd, 1 << 20): total += len(part)
assert total == ${LARGE}, total`),
    size: LARGE,
  },
  mmap: {
    script: python('import mmap; mmap.mmap(os.open(source, os.O_RDONLY), 0, prot=mmap.PROT_READ)[:].count(b"x")'),
    size: SMALL,
  },
  direct: { script: 'dd if="$F" of="$T/copy" bs=1M iflag=direct status=none', size: SMALL },
  cp: { script: 'cp "$F" "$T/copy"', size: SMALL },
  'cp-within': { script: 'cp --reflink=never --sparse=never "$F" "$F.copy"', size: SMALL },
  cat: { script: 'cat "$F" > "$T/copy"', size: SMALL },
  tar: { script: 'tar -cf "$T/copy.tar" -C "$(dirname "$F")" "$(basename "$F")"', size: SMALL },
  // It goes on behind what cannot be read.
  rsync: { script: 'timeout 30 rsync "$F" "$T/copy"', size: LARGE },
  sha256sum: { script: 'sha256sum "$F"', size: SMALL },
  node: { script: `node -e 'require("fs").readFileSync(process.argv[1])' "$F"`, size: SMALL },
};

t.test(
  'programs fail when the cloud cannot be reached, and do not succeed with partial content',
  { skip: withoutFuse() },
  async (t) => {
    const cloud = await startCloudProcess(t);
    const proxy = await startFaultyProxy(cloud.url);
    t.teardown(() => proxy.stop());
    const { email, password } = cloud;
    const writer = await MountedDevice.start(t, { url: cloud.url, email, password });
    for (const [name, { size }] of Object.entries(PROGRAMS)) {
      await writeFile(join(writer.dir, 'Sync', name), randomBytes(size));
    }
    t.equal((await writer.cli(['flush'])).code, 0);
    await writer.stop();

    const reader = await MountedDevice.start(t, { url: proxy.url, email, password });
    const scratch = t.testdir();
    const run = async (name: string): Promise<{ code: number | null; text: string }> => {
      const folder = join(scratch, name);
      mkdirSync(folder, { recursive: true });
      const env = { ...process.env, F: join(reader.dir, 'Sync', name), T: folder, LC_ALL: 'C' };
      const { code, signal, out, errors } = await tryCommand('bash', ['-c', PROGRAMS[name]?.script ?? ''], {
        env,
        timeout: 120_000,
      });
      return { code, text: `${name}: ${signal ?? code} ${out} ${errors}` };
    };

    await t.test('gone', async (t) => {
      await proxy.stop();
      for (const name of Object.keys(PROGRAMS)) {
        const { code, text } = await run(name);
        t.ok(code !== 0, text);
        t.notMatch(text, /temporarily unavailable|Interrupted|timed out/i, name);
      }
      await proxy.start();
    });

    await t.test('cut in the middle', async (t) => {
      proxy.affects = ({ path }) => path.startsWith('/v1/blocks/read');
      for (const name of Object.keys(PROGRAMS)) {
        proxy.next({ kind: 'half' });
        proxy.mode = { kind: 'reset' };
        const { code, text } = await run(name);
        t.ok(code !== 0, text);
        t.notMatch(text, /temporarily unavailable|Interrupted|timed out/i, name);
        proxy.reset();
        proxy.affects = ({ path }) => path.startsWith('/v1/blocks/read');
      }
      proxy.reset();
    });

    await t.test('and back', async (t) => {
      for (const name of Object.keys(PROGRAMS)) {
        const { code, text } = await run(name);
        t.equal(code, 0, text);
      }
      for (const [name, { size }] of Object.entries(PROGRAMS)) {
        t.equal((await stat(join(reader.dir, 'Sync', name))).size, size, name);
      }
    });
  },
);
