import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import type { ServeOptions } from '../helpers/fuse-serve.ts';
import { tryCommand } from '../helpers/run-command.ts';

const skip = withoutFuse();

t.setTimeout(500_000);

/**
 * Rewrites a file with asynchronous direct writes (io_submit(2)) while other threads read it through the page cache,
 * and counts how often reads after the end of the writes return other bytes. The idea is that of xfstests generic/451.
 */
const SCRIPT = String.raw`
import ctypes, mmap, os, platform, struct, sys, time
path, seconds, pages = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
PAGE, PWRITE, READERS = 4096, 1, 4
size = PAGE * pages
SETUP, GETEVENTS, SUBMIT = {'x86_64': (206, 208, 209), 'aarch64': (0, 4, 2)}[platform.machine()]
IOCB = struct.Struct('QIihhIQQqQII')
libc = ctypes.CDLL(None, use_errno=True)

def call(number, *args):
    result = libc.syscall(ctypes.c_long(number), *args)
    if result < 0: raise OSError(ctypes.get_errno(), 'aio')
    return result

def read_for_ever():
    fd = os.open(path, os.O_RDONLY)
    while True: os.pread(fd, size, 0)

def start_reader():
    pid = os.fork()
    if pid == 0: read_for_ever()
    return pid

context = ctypes.c_ulong(0)
call(SETUP, ctypes.c_uint(pages), ctypes.byref(context))
with open(path, 'wb') as file: file.write(b'\0' * size)
fd, look = os.open(path, os.O_RDWR | os.O_DIRECT), os.open(path, os.O_RDONLY)
memory = mmap.mmap(-1, size)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
requests = [ctypes.create_string_buffer(IOCB.pack(i, 0, 0, PWRITE, 0, fd, address + i * PAGE, PAGE, i * PAGE, 0, 0, 0))
            for i in range(pages)]
table = (ctypes.c_void_p * pages)(*[ctypes.addressof(request) for request in requests])
events = ctypes.create_string_buffer(32 * pages)
readers = [start_reader() for _ in range(READERS)]
stale = rounds = 0
try:
    end = time.monotonic() + seconds
    while time.monotonic() < end or rounds < 10:
        rounds += 1
        expected = bytes([rounds % 255 + 1]) * size
        memory[:] = expected
        assert call(SUBMIT, context, ctypes.c_long(pages), table) == pages
        assert call(GETEVENTS, context, ctypes.c_long(pages), ctypes.c_long(pages), events, None) == pages
        for i in range(pages): assert struct.unpack_from('q', events.raw, 32 * i + 16)[0] == PAGE
        stale += os.pread(look, size, 0) != expected
finally:
    for pid in readers: os.kill(pid, 9)
    for pid in readers: os.waitpid(pid, 0)
print(stale, 'of', rounds)
`;

async function stale(t: Test, options: ServeOptions): Promise<void> {
  const mount = await FuseProcess.start(options);
  t.teardown(() => mount.stop());
  const script = join(t.testdir(), 'aio.py');
  await writeFile(script, SCRIPT);
  // Above 4 MiB, readers may use passthrough.
  for (const pages of [16, 1280]) {
    const { code, out, errors } = await tryCommand('python3', [
      script,
      join(mount.dir, `f${pages}`),
      '4',
      String(pages),
    ]);
    t.equal(code, 0, errors);
    t.match(out, /^0 of /, `${pages} pages`);
    t.comment(out);
  }
}

t.test('direct writes are seen by readers through the page cache', { skip }, (t) => stale(t, {}));
t.test('also with an asynchronous file system', { skip }, (t) => stale(t, { slow: true }));
t.test('also with passthrough', { skip }, (t) => stale(t, { files: t.testdir() }));
