import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startCloudProcess } from '../helpers/cloud-process.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { MountedDevice } from '../helpers/mounted-device.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(400_000);

const MIB = 1 << 20;
const GIB = 1024 * MIB;

interface Layout {
  readonly size: number;
  /** Where there are bytes: position and length. */
  readonly data: readonly (readonly [number, number])[];
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  hole: { size: 8 * MIB, data: [] },
  head: { size: 5 * MIB, data: [[0, MIB]] },
  tail: { size: 5 * MIB + 123, data: [[4 * MIB, MIB + 123]] },
  middle: { size: 9 * MIB, data: [[4 * MIB + 8192, 8192]] },
  dense: { size: 3 * MIB + 5, data: [[0, 3 * MIB + 5]] },
  rows: { size: 16 * MIB, data: [0, 3, 9, 15].map((at) => [at * MIB, 4096] as const) },
};
const HUGE: Layout = {
  size: 10 * GIB,
  data: [
    [0, 10],
    [3 * GIB + 5, 100_000],
    [10 * GIB - 7, 7],
  ],
};

const PYTHON = `
import os, sys, json
def make(path, size, data):
    with open(path, 'wb') as f:
        for at, length in data: f.seek(at); f.write(os.urandom(length))
        f.truncate(size)
def extents(path):
    fd, at, found = os.open(path, os.O_RDONLY), 0, []
    size = os.fstat(fd).st_size
    while True:
        try: start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as e: assert e.errno == 6, e; break
        at = os.lseek(fd, start, os.SEEK_HOLE); found.append([start, at])
    for what in (os.SEEK_DATA, os.SEEK_HOLE):
        try: os.lseek(fd, size, what); assert False
        except OSError as e: assert e.errno == 6, e
    os.close(fd); return found
`;

async function python(script: string, ...args: string[]): Promise<string> {
  return await runCommand('python3', ['-c', PYTHON + script, ...args], { timeout: 120_000 });
}

async function mapOf(path: string): Promise<number[][]> {
  return JSON.parse(await python('print(json.dumps(extents(sys.argv[1])))', path)) as number[][];
}

/** Bytes allocated, as `du` counts them. */
async function used(path: string): Promise<number> {
  return Number((await runCommand('du', ['-B1', path])).split('\t')[0]);
}

/** As a computer knows a file that another one has made: in whole blocks. */
function inBlocks(map: readonly number[][], size: number): number[][] {
  const found: number[][] = [];
  for (const [start = 0, end = 0] of map) {
    const [from, to] = [Math.floor(start / MIB) * MIB, Math.min(size, Math.ceil(end / MIB) * MIB)];
    const last = found.at(-1);
    if (last !== undefined && (last[1] as number) >= from) last[1] = to;
    else found.push([from, to]);
  }
  return found;
}

const total = (map: readonly number[][]): number =>
  map.reduce((sum, [start = 0, end = 0]) => sum + Math.ceil(end / 4096) * 4096 - start, 0);

t.test('holes are where they are on a local disk', { skip: withoutFuse() }, async (t) => {
  const cloud = await startCloudProcess(t);
  const a = await MountedDevice.start(t, cloud);
  const local = temporary(t);
  const make = async (dir: string): Promise<void> => {
    for (const [name, { size, data }] of Object.entries(LAYOUTS)) {
      await python('make(sys.argv[1], *json.loads(sys.argv[2]))', join(dir, name), JSON.stringify([size, data]));
    }
  };
  await make(local);
  const at = (name: string): string => join(a.dir, 'Sync', name);
  await make(join(a.dir, 'Sync'));
  const sameAs = async (t: Test, what: string): Promise<void> => {
    for (const name of Object.keys(LAYOUTS)) {
      t.same(await mapOf(at(name)), await mapOf(join(local, name)), `${name}: lseek, ${what}`);
      t.equal(await used(at(name)), await used(join(local, name)), `${name}: du, ${what}`);
    }
  };

  await t.test('where they were made', async (t) => {
    await sameAs(t, 'before the upload');
    t.equal((await a.cli(['flush'])).code, 0);
    await sameAs(t, 'after it');
    const out = temporary(t);
    for (const name of Object.keys(LAYOUTS)) {
      await runCommand('cp', ['--sparse=auto', at(name), join(out, name)]);
      await runCommand('cmp', [at(name), join(out, name)]);
      t.same(await mapOf(join(out, name)), await mapOf(join(local, name)), `${name}: cp`);
      await runCommand('tar', ['-S', '-cf', join(out, 'tar'), '-C', join(a.dir, 'Sync'), name]);
      const { data } = LAYOUTS[name] as Layout;
      const bytes = data.reduce((sum, [, length]) => sum + length, 0);
      t.ok((await used(join(out, 'tar'))) < bytes + 100_000, `${name}: tar`);
    }
  });

  await t.test('what is open for reading and writing may be mapped, so nothing in it is a hole', async () => {
    await python(
      'fd = os.open(sys.argv[1], os.O_RDWR); assert os.lseek(fd, 5, os.SEEK_DATA) == 5; assert os.lseek(fd, 5, os.SEEK_HOLE) == 8 << 20',
      at('hole'),
    );
  });

  await t.test('on another computer', async (t) => {
    const b = await MountedDevice.start(t, cloud);
    const there = (name: string): string => join(b.dir, 'Sync', name);
    for (const [name, { size, data }] of Object.entries(LAYOUTS)) {
      const expected = inBlocks(await mapOf(join(local, name)), size);
      t.same(await mapOf(there(name)), expected, `${name}: not fetched`);
      await runCommand('head', ['-c', '5', there(name)]);
      if (data.length > 0) await runCommand('bash', ['-c', `tail -c 5 '${there(name)}' | wc -c`]);
      t.same(await mapOf(there(name)), expected, `${name}: partly fetched`);
      await runCommand('cmp', [there(name), at(name)]);
      t.same(await mapOf(there(name)), expected, `${name}: fetched`);
      await python('os.utime(sys.argv[1])', there(name));
      t.equal(await used(there(name)), total(expected), `${name}: du`);
    }
  });

  await t.test('10 GiB with holes go through two computers', async (t) => {
    await python('make(sys.argv[1], *json.loads(sys.argv[2]))', at('huge'), JSON.stringify([HUGE.size, HUGE.data]));
    const flush = await a.cli(['flush']);
    t.equal(flush.code, 0, flush.stderr);
    const data = temporary(t);
    mkdirSync(data, { recursive: true });
    const b = await MountedDevice.start(t, cloud);
    const huge = join(b.dir, 'Sync', 'huge');
    t.same(await mapOf(huge), inBlocks(await mapOf(at('huge')), HUGE.size));
    await python(
      `
a, b = (open(path, 'rb') for path in sys.argv[1:])
for start, end in extents(sys.argv[2]):
    for f in (a, b): f.seek(start)
    assert a.read(end - start) == b.read(end - start)
b.seek(5 << 30); assert b.read(100) == bytes(100)`,
      at('huge'),
      huge,
    );
    await runCommand('cp', ['--sparse=always', huge, join(data, 'copy')], { timeout: 120_000 });
    t.ok((await used(join(data, 'copy'))) < 4 * MIB, 'holes stay holes');
    t.ok((await used(b.data)) < 64 * MIB, 'and take no room in the cache');
  });
});
