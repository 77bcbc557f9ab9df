import fc from 'fast-check';
import t from 'tap';
import { OPERATIONS } from '../../src/fuse/operations.ts';
import { Fattr, Init } from '../../src/fuse/wire/flags.ts';
import type { Layout } from '../../src/fuse/wire/layout.ts';
import { Opcode } from '../../src/fuse/wire/opcode.ts';
import * as wire from '../../src/fuse/wire/structs.ts';
import { background } from '../../src/vfs/context.ts';
import type { FileSystem } from '../../src/vfs/file-system.ts';
import { bytes, until } from '../contract/file-system/rig.ts';
import { FuseBench, cString } from '../helpers/fuse-bench.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';
import { slowed } from '../helpers/slow-fs.ts';

const ROOT = 1;

function pack<F extends Readonly<Record<string, 'u16' | 'u32' | 'i32' | 'u64' | 'i64'>>>(
  layout: Layout<F>,
  values: Partial<Record<keyof F, number>>,
  ...rest: readonly Uint8Array[]
): Buffer {
  const head = Buffer.alloc(layout.size);
  layout.encode(values, head, 0);
  return Buffer.concat([head, ...rest]);
}

t.test('INIT negotiates the features of both sides', async (t) => {
  const offer = { major: 7, minor: 45, maxReadahead: 131_072, flags: 0xffff_ffff };
  const bench = new FuseBench(new MemoryFs());
  const { error, body } = bench.call(Opcode.INIT, 0, pack(wire.InitIn, offer, Buffer.alloc(48)));
  t.equal(error, 0);
  const out = wire.InitOut.decode(body, 0);
  t.match(out, { major: 7, minor: 40, maxReadahead: 131_072, maxWrite: 1 << 20, maxPages: 256, timeGran: 1000 });
  t.ok(out.flags & Init.READDIRPLUS_AUTO && out.flags & Init.NO_OPENDIR_SUPPORT);
  t.notOk(out.flags & Init.POSIX_ACL, 'only with extended attributes');
  t.notOk(out.flags & (1 << 16), 'no write-back cache');
  t.notOk(out.flags & ((1 << 1) | (1 << 10)), 'locks are the kernel’s own');

  const little = new FuseBench(new MemoryFs()).call(
    Opcode.INIT,
    0,
    pack(wire.InitIn, { ...offer, minor: 31, flags: 1 }),
  );
  t.match(wire.InitOut.decode(little.body, 0), { minor: 31, flags: 1 });
  const newer = new FuseBench(new MemoryFs()).call(Opcode.INIT, 0, pack(wire.InitIn, { ...offer, major: 8 }));
  t.match(wire.InitOut.decode(newer.body, 0), { major: 7 }, 'the kernel sends INIT again with our version');
  t.equal(new FuseBench(new MemoryFs()).call(Opcode.INIT, 0, pack(wire.InitIn, { ...offer, minor: 20 })).error, -7);
});

t.test('every opcode is answered, and an unknown one with ENOSYS', async (t) => {
  const bench = new FuseBench(new MemoryFs());
  for (const opcode of [Opcode.GETLK, Opcode.POLL, Opcode.TMPFILE, 54, 4096]) {
    t.equal(bench.call(opcode, ROOT).error, -38);
  }
  t.equal(bench.call(Opcode.LINK, ROOT, pack(wire.RenameIn, { newdir: 1 }, cString('x'))).error, -1);
  t.equal(bench.call(Opcode.IOCTL, ROOT).error, -25);
});

t.test('invalid frames get EINVAL', async (t) => {
  const bench = new FuseBench(new MemoryFs());
  const error = (opcode: number, body: Buffer, len?: number): number => {
    const unique = bench.send(opcode, ROOT, body, len === undefined ? {} : { len });
    return bench.answers.find((answer) => answer.unique === unique)?.error ?? Number.NaN;
  };
  t.equal(error(Opcode.LOOKUP, Buffer.from('no end')), -22);
  t.equal(error(Opcode.LOOKUP, Buffer.alloc(0)), -22);
  t.equal(error(Opcode.LOOKUP, Buffer.from([0xff, 0xfe, 0])), -2, 'not UTF-8: the name does not exist');
  t.equal(error(Opcode.MKDIR, Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0])), -22, 'not UTF-8');
  t.equal(error(Opcode.MKDIR, Buffer.alloc(3)), -22);
  t.equal(error(Opcode.SYMLINK, cString('one')), -22);
  t.equal(error(Opcode.WRITE, pack(wire.WriteIn, { fh: 1, size: 1000 }, Buffer.alloc(10))), -22);
  t.equal(error(Opcode.READ, pack(wire.ReadIn, { fh: 1, size: 2 ** 31 })), -22);
  t.equal(error(Opcode.GETATTR, Buffer.alloc(16), 5000), -22, 'shorter than its header says');
  t.equal(error(Opcode.LOOKUP, cString('x'), 10), -22, 'shorter than a header');
  t.equal(
    bench.session.take(Buffer.alloc(10), 10, () => {}),
    false,
    'not even a header',
  );
});

t.test('no frame ends the session, and each gets one response', async (t) => {
  const opcodes = [...OPERATIONS.keys(), 0, 7, 19, 25, 60, 4096];
  const number = fc.oneof(fc.nat(4), fc.nat(), fc.constant(2 ** 32 - 1));
  const body = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.array(number, { maxLength: 24 }).map(words));
  const frame = fc.tuple(fc.constantFrom(...opcodes), fc.nat(3), body);
  const property = fc.asyncProperty(fc.array(frame, { maxLength: 30 }), async (frames) => {
    const bench = new FuseBench(new MemoryFs(), { xattr: true });
    for (const [opcode, nodeid, body] of frames) {
      const before = bench.answers.length;
      bench.send(opcode, nodeid, body);
      await until(() => bench.session.pending === 0, 'answered');
      const silent = OPERATIONS.get(opcode)?.silent ?? false;
      if (bench.answers.length !== before + (silent ? 0 : 1)) throw new Error(`${opcode}: not one answer`);
    }
    bench.session.close();
  });
  await fc.assert(property, { numRuns: 500 });
  t.pass();
});

function words(values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

t.test('lookup counts: a node is known until the last reference is forgotten', async (t) => {
  const bench = new FuseBench(new MemoryFs());
  const made = bench.call(Opcode.MKDIR, ROOT, pack(wire.MkdirIn, { mode: 0o755 }, cString('d')));
  const { nodeid, generation, entryValid } = wire.EntryOut.decode(made.body, 0);
  t.match({ generation, entryValid }, { generation: 0, entryValid: 3 });
  const again = bench.call(Opcode.LOOKUP, ROOT, cString('d'));
  t.equal(wire.EntryOut.decode(again.body, 0).nodeid, nodeid);
  bench.send(Opcode.FORGET, nodeid, pack(wire.ForgetIn, { nlookup: 1 }));
  t.equal(bench.call(Opcode.GETATTR, nodeid, pack(wire.GetattrIn, {})).error, 0);
  const one = pack(wire.ForgetOne, { nodeid, nlookup: 1 });
  bench.send(Opcode.BATCH_FORGET, 0, pack(wire.BatchForgetIn, { count: 1 }, one));
  t.equal(bench.call(Opcode.GETATTR, nodeid, pack(wire.GetattrIn, {})).error, -116);
  t.equal(bench.state.inodes.size, 1);
  const third = wire.EntryOut.decode(bench.call(Opcode.LOOKUP, ROOT, cString('d')).body, 0).nodeid;
  t.not(third, nodeid, 'a number is never reused');
  bench.send(Opcode.FORGET, ROOT, pack(wire.ForgetIn, { nlookup: 99 }));
  t.equal(bench.call(Opcode.GETATTR, ROOT, pack(wire.GetattrIn, {})).error, 0, 'the root stays');
});

t.test('the kernel is not notified of its own changes', async (t) => {
  for (const slow of [false, true]) {
    const memory: FileSystem = new MemoryFs();
    const bench = new FuseBench(slow ? slowed(memory, { method: undefined, waiting: 0 }) : memory);
    const stop = bench.state.coherence.start();
    const call = async (opcode: number, nodeid: number, body: Buffer): Promise<Buffer> => {
      const unique = bench.send(opcode, nodeid, body);
      await until(() => bench.answers.some((answer) => answer.unique === unique), 'answered');
      return bench.answers.find((answer) => answer.unique === unique)?.body ?? Buffer.alloc(0);
    };
    const made = await call(Opcode.CREATE, ROOT, pack(wire.CreateIn, { flags: 2, mode: 0o644 }, cString('f')));
    const { nodeid } = wire.EntryOut.decode(made, 0);
    const { fh } = wire.OpenOut.decode(made, wire.EntryOut.size + wire.Attr.size);
    await call(Opcode.WRITE, nodeid, pack(wire.WriteIn, { fh, size: 3 }, Buffer.from('abc')));
    await call(Opcode.SETATTR, nodeid, pack(wire.SetattrIn, { valid: 8, size: 1 }));
    await call(Opcode.RENAME, ROOT, pack(wire.RenameIn, { newdir: ROOT }, cString('f', 'g')));
    await call(Opcode.UNLINK, ROOT, cString('g'));
    await bench.notifier.flushed();
    t.strictSame(bench.notifications, [], slow ? 'waiting' : 'at once');
    memory.mkdir(memory.root, 'other', {}, background);
    await bench.notifier.flushed();
    t.equal(bench.notifications.length, 2, 'the name, and the listing');
    stop();
    bench.session.close();
  }
});

t.test('pages of a listing continue after the name, whatever was added or removed', async (t) => {
  const memory = new MemoryFs();
  for (let i = 0; i < 300; i++) memory.mkdir(memory.root, `n${String(i).padStart(3, '0')}`, {}, background);
  const bench = new FuseBench(memory);
  const seen: string[] = [];
  let offset = 0;
  for (let turn = 0; ; turn++) {
    const { body } = bench.call(Opcode.READDIR, ROOT, pack(wire.ReadIn, { offset, size: 1000 }));
    if (body.length === 0) break;
    for (let at = 0; at < body.length;) {
      const { off, namelen } = wire.Dirent.decode(body, at);
      seen.push(body.toString('utf8', at + wire.Dirent.size, at + wire.Dirent.size + namelen));
      at += wire.Dirent.size + Math.ceil(namelen / 8) * 8;
      offset = off;
    }
    // The last listed name is removed, and so are names before and after it.
    const last = Number(seen.at(-1)?.slice(1));
    for (const gone of [last, last - 3, last + 7]) {
      const name = `n${String(gone).padStart(3, '0')}`;
      if (
        gone > 0 &&
        gone < 300 &&
        turn > 0 &&
        memory.readdir(memory.root, { limit: 999 }, background).entries.some((e) => e.name === name)
      ) {
        memory.rmdir(memory.root, name, background);
      }
    }
    memory.mkdir(memory.root, `a${turn}`, {}, background);
  }
  t.equal(new Set(seen).size, seen.length, 'none twice');
  t.strictSame(seen.slice(0, 2), ['.', '..']);
  for (const { name } of memory.readdir(memory.root, { limit: 999 }, background).entries) {
    if (name.startsWith('n')) t.ok(seen.includes(name), name);
  }
});

t.test('a forgotten cookie is found again', async (t) => {
  const memory = new MemoryFs();
  for (let i = 0; i < 50; i++) memory.mkdir(memory.root, `n${i + 100}`, {}, background);
  const first = new FuseBench(memory).call(Opcode.READDIR, ROOT, pack(wire.ReadIn, { size: 500 }));
  let [offset, name] = [0, ''];
  for (let at = 0; at < first.body.length; at += 32) {
    offset = wire.Dirent.decode(first.body, at).off;
    name = first.body.toString('utf8', at + 24, at + 28);
  }
  const other = new FuseBench(memory);
  const unique = other.send(Opcode.READDIR, ROOT, pack(wire.ReadIn, { offset, size: 500 }));
  await until(() => other.answers.some((answer) => answer.unique === unique), 'answered');
  t.equal(other.answers[0]?.body.toString('utf8', 24, 28), `n${Number(name.slice(1)) + 1}`);
});

t.test('copy_file_range of a whole file moves no bytes, that of a part does', async (t) => {
  const memory = new MemoryFs();
  const bench = new FuseBench(memory);
  let copies = 0;
  const copy = memory.copy.bind(memory);
  memory.copy = (...args) => {
    copies++;
    return copy(...args);
  };
  const create = (name: string): { nodeid: number; fh: number } => {
    const { body } = bench.call(Opcode.CREATE, ROOT, pack(wire.CreateIn, { flags: 2, mode: 0o600 }, cString(name)));
    const { nodeid } = wire.EntryOut.decode(body, 0);
    return { nodeid, fh: wire.OpenOut.decode(body, wire.EntryOut.size + wire.Attr.size).fh };
  };
  const source = create('source');
  const data = bytes(200_000);
  bench.call(Opcode.WRITE, source.nodeid, pack(wire.WriteIn, { fh: source.fh, size: data.length }, data));
  const range = async (
    to: { nodeid: number; fh: number },
    offIn: number,
    offOut: number,
    len: number,
  ): Promise<number> => {
    const args = { fhIn: source.fh, offIn, nodeidOut: to.nodeid, fhOut: to.fh, offOut, len };
    const unique = bench.send(Opcode.COPY_FILE_RANGE, source.nodeid, pack(wire.CopyFileRangeIn, args));
    await until(() => bench.answers.some((answer) => answer.unique === unique), 'answered');
    const answer = bench.answers.find((answer) => answer.unique === unique);
    return answer?.error === 0 ? wire.WriteOut.decode(answer.body, 0).size : (answer?.error ?? 0);
  };
  const content = ({ fh, nodeid }: { nodeid: number; fh: number }): Buffer =>
    bench.call(Opcode.READ, nodeid, pack(wire.ReadIn, { fh, size: 300_000 })).body;

  memory.setattr(memory.lookup(memory.root, 'source', background).id, { mode: 0o777 }, background);
  const whole = create('whole');
  t.equal(await range(whole, 0, 0, 2 ** 31 - 4096), 200_000);
  t.equal(copies, 1);
  t.ok(content(whole).equals(data));
  t.equal(memory.lookup(memory.root, 'whole', background).mode, 0o600, 'the copy keeps its mode');
  t.equal(await range(whole, 200_000, 200_000, 1000), 0, 'the end');

  const part = create('part');
  t.equal(await range(part, 1000, 5, 70_000), 70_000);
  t.equal(copies, 1);
  t.ok(content(part).equals(Buffer.concat([Buffer.alloc(5), data.subarray(1000, 71_000)])));
  t.equal(await range(part, 0, 0, 200_000), 200_000, 'over what is there');
  t.equal(copies, 1);
  t.ok(content(part).equals(data));
});

t.test('a file that is cut through its handle has the times of that, and no later ones', (t) => {
  const bench = new FuseBench(new MemoryFs({ now: () => 1000 }));
  const made = bench.call(Opcode.CREATE, ROOT, pack(wire.CreateIn, { flags: 2, mode: 0o600 }, cString('f'))).body;
  const { nodeid } = wire.EntryOut.decode(made, 0);
  const { fh } = wire.OpenOut.decode(made, wire.EntryOut.size + wire.Attr.size);
  const times = (valid: number): { mtime: number; ctime: number } => {
    const { body } = bench.call(Opcode.SETATTR, nodeid, pack(wire.SetattrIn, { valid, fh, size: 7 }));
    const { mtime, ctime } = wire.Attr.decode(body, wire.AttrOut.size);
    return { mtime, ctime };
  };
  t.strictSame(times(Fattr.SIZE | Fattr.FH), { mtime: 1, ctime: 1 });
  t.ok(times(Fattr.ATIME | Fattr.ATIME_NOW).ctime > 1, 'what is not kept changes the ctime for as long as this runs');
  t.end();
});
