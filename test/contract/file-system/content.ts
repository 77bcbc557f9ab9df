import { background } from '../../../src/vfs/context.ts';
import { bytes, drain, get, put, readOnly, readWrite, refused, text, writeOnly, type Add, type Case } from './rig.ts';

/** Reading and writing through handles. */
export function contentContract(add: Add): void {
  add('written bytes are read back, whatever their length', async (c) => {
    for (const length of [0, 1, 4095, 4096, 65_537, 1_048_576, 2_621_441]) {
      const data = bytes(length, length);
      const attr = await put(c, c.folder, `f${length}`, data);
      c.t.equal(attr.size, length);
      c.t.ok((await get(c, attr.id)).equals(data), `${length} bytes`);
    }
  });

  add('a read is short only at the end', async (c) => {
    const { t, fs, folder } = c;
    const data = bytes(10_000);
    const handle = await fs.open((await put(c, folder, 'f', data)).id, readOnly, background);
    for (const [position, length] of [
      [0, 10],
      [9990, 10],
      [9990, 11],
      [5000, 9999],
      [10_000, 5],
      [99_999, 5],
      [3, 0],
    ]) {
      const into = Buffer.alloc(length ?? 0, 0xee);
      const count = await handle.read(into, position ?? 0, background);
      const wanted = data.subarray(position, (position ?? 0) + (length ?? 0));
      t.equal(count, wanted.length);
      t.ok(into.subarray(0, count).equals(wanted));
      t.ok(
        into.subarray(count).every((byte) => byte === 0xee),
        'the rest of the buffer is unchanged',
      );
    }
    await handle.close();
  });

  add('the open mode is enforced', async (c) => {
    const { fs, folder } = c;
    const { id } = await put(c, folder, 'f', 'abc');
    const reader = await fs.open(id, readOnly, background);
    await refused(c, 'EBADF', () => reader.write(Buffer.from('x'), 0, background));
    await refused(c, ['EBADF', 'EINVAL'], () => reader.truncate(0, background));
    await reader.close();
    if (!c.traits.randomWrites) return;
    const writer = await fs.open(id, writeOnly, background);
    await refused(c, 'EBADF', () => writer.read(Buffer.alloc(1), 0, background));
    await writer.close();
    c.t.equal(await text(c, id), 'abc');
  });

  add('a closed handle cannot be used; closing again is harmless', async (c) => {
    const handle = await c.fs.create(c.folder, 'f', {}, readWrite, background);
    await handle.write(Buffer.from('abc'), 0, background);
    await handle.close();
    await handle.close();
    await refused(c, 'EBADF', () => handle.read(Buffer.alloc(1), 0, background));
    await refused(c, 'EBADF', () => handle.write(Buffer.from('x'), 0, background));
    c.t.equal(await text(c, (await c.fs.lookup(c.folder, 'f', background)).id), 'abc');
  });

  add('opening with truncate empties the file, opening without does not', async (c) => {
    const { id } = await put(c, c.folder, 'f', 'old content');
    const handle = await c.fs.open(id, { read: false, write: true, truncate: true }, background);
    await handle.write(Buffer.from('new'), 0, background);
    await handle.close();
    c.t.equal(await text(c, id), 'new');
    c.t.equal((await c.fs.lookup(c.folder, 'f', background)).size, 3);
  });

  add('many files can be read concurrently', async (c) => {
    const files = await Promise.all([...Array(20).keys()].map((i) => put(c, c.folder, `f${i}`, bytes(50_000 + i, i))));
    const contents = await Promise.all(files.map(({ id }) => get(c, id)));
    for (const [i, content] of contents.entries()) c.t.ok(content.equals(bytes(50_000 + i, i)));
  });

  const inPlace = (name: string, body: (c: Case) => Promise<void>): void => add(name, body, 'randomWrites');

  inPlace('writes overwrite, extend, and leave zeros in between', async (c) => {
    const handle = await c.fs.create(c.folder, 'f', {}, readWrite, background);
    const model = Buffer.alloc(300_000);
    let size = 0;
    for (const [position, length] of [
      [10, 5],
      [0, 3],
      [65_530, 20],
      [200_000, 70_000],
      [100, 150_000],
      [299_999, 1],
    ]) {
      const data = bytes(length ?? 0, (position ?? 0) + 7);
      await handle.write(data, position ?? 0, background);
      data.copy(model, position);
      size = Math.max(size, (position ?? 0) + data.length);
      c.t.equal((await handle.attr(background)).size, size);
      c.t.ok((await drain(handle)).equals(model.subarray(0, size)));
    }
    await handle.close();
    c.t.ok((await get(c, (await c.fs.lookup(c.folder, 'f', background)).id)).equals(model));
  });

  inPlace('truncate cuts, and extends with zeros', async (c) => {
    const handle = await c.fs.create(c.folder, 'f', {}, readWrite, background);
    await handle.write(bytes(100_000), 0, background);
    const model = bytes(100_000);
    for (const size of [70_001, 70_000, 5, 90_000, 0, 10]) {
      await handle.truncate(size, background);
      c.t.equal((await handle.attr(background)).size, size);
      const kept = Buffer.alloc(size);
      model.copy(kept, 0, 0, size);
      model.fill(0, size);
      c.t.ok((await drain(handle)).equals(kept), `${size}`);
    }
    await refused(c, 'EINVAL', () => handle.truncate(-1, background));
    await handle.close();
  });

  inPlace('setattr changes the size, with and without an open handle', async (c) => {
    const { id } = await put(c, c.folder, 'f', 'abcdef');
    c.t.equal((await c.fs.setattr(id, { size: 3 }, background)).size, 3);
    c.t.equal(await text(c, id), 'abc');
    const handle = await c.fs.open(id, readOnly, background);
    await c.fs.setattr(id, { size: 5 }, background);
    c.t.equal((await drain(handle)).toString(), 'abc\0\0');
    await handle.close();
    await refused(c, 'EISDIR', () => c.fs.setattr(c.folder, { size: 0 }, background));
    await refused(c, 'EINVAL', () => c.fs.setattr(id, { size: -1 }, background));
  });

  inPlace('append writes always go to the current end', async (c) => {
    const { id } = await put(c, c.folder, 'f', 'one');
    const appender = await c.fs.open(id, { read: false, write: true, append: true }, background);
    const other = await c.fs.open(id, readWrite, background);
    await appender.write(Buffer.from('two'), 0, background);
    await other.write(Buffer.from('three'), 6, background);
    await appender.write(Buffer.from('four'), 0, background);
    await appender.close();
    await other.close();
    c.t.equal(await text(c, id), 'onetwothreefour');
  });

  inPlace('concurrent appends of several handles lose nothing', async (c) => {
    const { id } = await put(c, c.folder, 'f');
    const mode = { read: false, write: true, append: true };
    const handles = await Promise.all([...'abcd'].map(() => c.fs.open(id, mode, background)));
    const append = async (letter: string, index: number): Promise<void> => {
      for (let i = 0; i < 25; i++) await handles[index]?.write(Buffer.from(`${letter.repeat(9)}\n`), 0, background);
    };
    await Promise.all([...'abcd'].map(append));
    await Promise.all(handles.map((handle) => handle.close()));
    const lines = (await text(c, id)).split('\n').slice(0, -1);
    c.t.equal(lines.length, 100);
    c.t.ok(lines.every((line) => /^(.)\1{8}$/.test(line)));
  });

  inPlace('handles of one file see each other', async (c) => {
    const { id } = await put(c, c.folder, 'f', 'abc');
    const [a, b] = [await c.fs.open(id, readWrite, background), await c.fs.open(id, readWrite, background)];
    await a.write(Buffer.from('X'), 1, background);
    c.t.equal((await drain(b)).toString(), 'aXc');
    await b.truncate(2, background);
    c.t.equal((await drain(a)).toString(), 'aX');
    c.t.equal((await c.fs.getattr(id, background)).size, 2);
    await a.close();
    await b.write(Buffer.from('Z'), 2, background);
    await b.close();
    c.t.equal(await text(c, id), 'aXZ');
  });

  inPlace('concurrent writes to different places all arrive; the buffers can be reused', async (c) => {
    const handle = await c.fs.create(c.folder, 'f', {}, readWrite, background);
    const model = bytes(40 * 10_007, 5);
    const write = async (i: number): Promise<void> => {
      const part = Buffer.from(model.subarray(i * 10_007, (i + 1) * 10_007));
      await handle.write(part, i * 10_007, background);
      part.fill(0);
    };
    await Promise.all([...Array(40).keys()].toReversed().map(write));
    await handle.sync(background);
    c.t.ok((await drain(handle)).equals(model));
    await handle.close();
    c.t.ok((await get(c, (await c.fs.lookup(c.folder, 'f', background)).id)).equals(model));
  });

  inPlace('concurrent writes to one place are atomic', async (c) => {
    const handle = await c.fs.create(c.folder, 'f', {}, readWrite, background);
    const writes = [...Array(8).keys()].map((i) => handle.write(Buffer.alloc(200_000, i + 1), 0, background));
    await Promise.all(writes);
    const content = await drain(handle);
    c.t.equal(content.length, 200_000);
    c.t.ok(content.every((byte) => byte === content[0] && byte > 0));
    await handle.close();
  });

  add(
    'a file of 5 GiB with little in it',
    async (c) => {
      const far = 5 * 2 ** 30 + 123;
      const handle = await c.fs.create(c.folder, 'f', {}, readWrite, background);
      await handle.write(Buffer.from('start'), 0, background);
      await handle.write(Buffer.from('end'), far, background);
      c.t.equal((await handle.attr(background)).size, far + 3);
      const into = Buffer.alloc(13, 1);
      c.t.equal(await handle.read(into, far - 10, background), 13);
      c.t.equal(into.toString(), `${'\0'.repeat(10)}end`);
      c.t.equal(await handle.read(into, 2 ** 32 - 6, background), 13);
      c.t.ok(into.every((byte) => byte === 0));
      await handle.truncate(2 ** 32 + 1, background);
      c.t.equal((await handle.attr(background)).size, 2 ** 32 + 1);
      await handle.close();
      c.t.equal((await c.fs.lookup(c.folder, 'f', background)).size, 2 ** 32 + 1);
      await c.fs.unlink(c.folder, 'f', background);
    },
    'sparse',
    'randomWrites',
  );
}
