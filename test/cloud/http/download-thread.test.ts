import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { DownloadThread } from '../../../src/cloud/http/download-thread.ts';
import { encodeFrames } from '../../../src/cloud/http/frames.ts';
import { BLOCK_SIZE, type BlockFile } from '../../../src/vfs/block.ts';
import { background } from '../../../src/vfs/context.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(500_000);

const call = { op: 'read', method: 'POST', path: '/v1/blocks/read', json: {} } as const;

function frame(length: number) {
  const data = randomBytes(length);
  return { digest: createHash('sha256').update(data).digest('hex'), data };
}

const blocks = [...Array.from({ length: 5 }, () => frame(BLOCK_SIZE)), frame(70_000)];
const requests = blocks.map(({ data }) => ({ length: data.length }));
const body = encodeFrames(blocks);

async function setup(t: Test, respond: RequestListener): Promise<DownloadThread> {
  const server = createServer(respond).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const thread = new DownloadThread({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  t.teardown(async () => {
    await thread.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return thread;
}

/** As `BlockMemory`, counting. */
function countingMemory() {
  const taken = { count: 0 };
  const take = (length: number): Uint8Array<ArrayBuffer> => {
    taken.count += 1;
    return new Uint8Array(length);
  };
  return { taken, take };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** The packages that a source file and those below it load. */
function packages(file: string, seen = new Set<string>()): Set<string> {
  const found = new Set<string>();
  if (seen.has(file)) return found;
  seen.add(file);
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/^import (?!type )[^;]*?'([^']+)';/gm)) {
    if (!name.startsWith('.')) found.add(name);
    else for (const one of packages(join(dirname(file), name), seen)) found.add(one);
  }
  return found;
}

t.test('the thread loads no compiler of schemas, as the first read waits for what it loads', async (t) => {
  const program = join(import.meta.dirname, '../../../src/cloud/http/download-program.ts');
  const loaded = [...packages(program)].filter((name) => !name.startsWith('node:'));
  t.strictSame(loaded, ['undici']);
});

t.test('the thread can be started before the first request, and again when it has', async (t) => {
  const thread = await setup(t, (_request, response) => response.end(body));
  await Promise.all([thread.start(), thread.start()]);
  await thread.start();
  t.equal((await all(thread.frames(call, requests, background, undefined))).length, blocks.length);
  await thread.close();
  await t.rejects(thread.start(), { code: 'EINTR' });
});

t.test('blocks come in order, and no more memory is asked for than blocks of full size', async (t) => {
  const thread = await setup(t, (_request, response) => response.end(body));
  const { taken, take } = countingMemory();
  for (let round = 1; round <= 3; round++) {
    const found = await all(thread.frames(call, requests, background, take));
    t.strictSame(
      found.map(({ digest }) => digest),
      blocks.map(({ digest }) => digest),
    );
    t.ok(Buffer.concat(found.map(({ data }) => data)).equals(Buffer.concat(blocks.map(({ data }) => data))));
    t.equal(taken.count, 5 * round);
  }
});

/** The requests for the blocks with places in a file, and which of those places are in use. */
function placesIn(fd: number, { extra = 0 } = {}) {
  const lent = new Set<number>();
  const placed = requests.map(({ length }, i) => ({
    length: length + extra,
    file: (): BlockFile | undefined => {
      lent.add(i);
      return { fd, position: i * BLOCK_SIZE, release: () => void lent.delete(i) };
    },
  }));
  return { lent, placed };
}

t.test('blocks are written into their files, which are released then', async (t) => {
  const thread = await setup(t, (_request, response) => response.end(body));
  const path = join(temporary(t), 'file');
  const fd = openSync(path, 'w+');
  t.teardown(() => closeSync(fd));
  const { lent, placed } = placesIn(fd);
  placed[2] = { length: BLOCK_SIZE, file: () => undefined };
  const found = await all(thread.frames(call, placed, background, undefined));
  t.strictSame(
    found.map(({ digest, data, isWritten }) => [digest, data.length, isWritten === true]),
    blocks.map(({ digest, data }, i) => [digest, i === 2 ? data.length : 0, i !== 2]),
  );
  t.equal(lent.size, 0);
  const expected = Buffer.concat(blocks.map(({ data }, i) => (i === 2 ? Buffer.alloc(BLOCK_SIZE) : data)));
  t.ok(readFileSync(path).equals(expected));
});

t.test('a block that cannot be written, or is not as long as it should be, comes with its bytes', async (t) => {
  const thread = await setup(t, (_request, response) => response.end(body));
  const path = join(temporary(t), 'file');
  writeFileSync(path, '');
  const [reading, writing] = [openSync(path, 'r'), openSync(path, 'r+')];
  t.teardown(() => [reading, writing].map((fd) => closeSync(fd)));
  for (const { lent, placed } of [placesIn(reading), placesIn(writing, { extra: 1 })]) {
    const found = await all(thread.frames(call, placed, background, undefined));
    t.ok(Buffer.concat(found.map(({ data }) => data)).equals(Buffer.concat(blocks.map(({ data }) => data))));
    t.notOk(found.some(({ isWritten }) => isWritten));
    t.equal(lent.size, 0);
  }
  t.equal(readFileSync(path).length, 0);
});

t.test('files are released, too, when the request is aborted, fails, or is not read to its end', async (t) => {
  let sent: Uint8Array = encodeFrames(blocks.slice(0, 2));
  let ends = false;
  const thread = await setup(t, (_request, response) => void (ends ? response.end(sent) : response.write(sent)));
  const fd = openSync(join(temporary(t), 'file'), 'w+');
  t.teardown(() => closeSync(fd));
  const { lent, placed } = placesIn(fd);
  const released = async (): Promise<void> => {
    while (lent.size > 0) await setTimeout(1);
  };
  for await (const _ of thread.frames(call, placed, background, undefined)) break;
  await released();
  const stop = new AbortController();
  const aborted = thread.frames(call, placed, { signal: stop.signal }, undefined);
  await aborted.next();
  stop.abort();
  await t.rejects(all(aborted), { name: 'AbortError' });
  await released();
  [ends, sent] = [true, body.subarray(0, body.length - 1)];
  await t.rejects(all(thread.frames(call, placed, background, undefined)), { code: 'EAGAIN' });
  await released();
});

t.test('the file of a thread that was ended stays open, as the thread may be writing', async (t) => {
  const thread = await setup(t, () => undefined);
  const { lent, placed } = placesIn(-1);
  const first = thread.frames(call, placed, background, undefined).next();
  first.catch(() => undefined);
  await thread.close();
  await t.rejects(first, { code: 'EINTR' });
  t.equal(lent.size, 3);
});

t.test('requests run side by side', async (t) => {
  const waiting: (() => void)[] = [];
  const thread = await setup(t, (_request, response) => {
    waiting.push(() => response.end(body));
    if (waiting.length === 2) for (const go of waiting) go();
  });
  const both = [1, 2].map(() => all(thread.frames(call, requests, background, undefined)));
  for (const found of await Promise.all(both)) t.equal(found.length, blocks.length);
});

t.test('fewer blocks than were asked for end the response, more are an error, so is a cut one', async (t) => {
  let sent: Uint8Array = encodeFrames(blocks.slice(0, 2));
  const thread = await setup(t, (_request, response) => response.end(sent));
  const read = () => all(thread.frames(call, requests, background, undefined));
  t.equal((await read()).length, 2);
  sent = encodeFrames([...blocks, frame(100)]);
  await t.rejects(read(), { message: 'more blocks than were asked for', temporary: false });
  sent = body.subarray(0, body.length - 1);
  await t.rejects(read(), {
    message: "the cloud's response ends in the middle of a block",
    temporary: true,
    code: 'EAGAIN',
  });
  sent = Buffer.alloc(0);
  await t.rejects(read(), { message: 'a response without blocks', temporary: true });
  sent = Buffer.from(body);
  sent[2 * BLOCK_SIZE] = (body[2 * BLOCK_SIZE] ?? 0) ^ 1;
  const got: string[] = [];
  await t.rejects(
    async () => {
      for await (const { digest } of thread.frames(call, requests, background, undefined)) got.push(digest);
    },
    { message: 'the bytes of a block do not match its digest', temporary: true },
  );
  t.strictSame(got, [blocks[0]?.digest], 'none that is damaged or behind one');
});

t.test('however unevenly a response comes and is read, no byte of it is overwritten', async (t) => {
  const many = encodeFrames(Array.from({ length: 4 }, () => blocks).flat());
  const thread = await setup(t, (_request, response) => {
    void (async () => {
      for (let at = 0, step = 1, end = 0; at < many.length; at = end) {
        end = at + step;
        response.write(many.subarray(at, end));
        if (step % 3 === 0) await setTimeout(1);
        step = step > 500_000 ? 1 + (at % 5000) : 2 * step;
      }
      response.end();
    })();
  });
  const read = async (slow: boolean): Promise<void> => {
    let count = 0;
    const wanted = Array.from({ length: 4 }, () => requests).flat();
    for await (const { digest, data } of thread.frames(call, wanted, background, undefined)) {
      t.equal(createHash('sha256').update(data).digest('hex'), digest);
      t.equal(digest, blocks[count++ % blocks.length]?.digest);
      if (slow) await setTimeout(5);
    }
    t.equal(count, 4 * blocks.length);
  };
  for (let round = 0; round < 3; round++) await Promise.all([true, false, true, false].map(read));
});

t.test('a refusal keeps its status, its words and the time to wait', async (t) => {
  const thread = await setup(t, (_request, response) => {
    response.writeHead(503, { 'retry-after': '7' }).end(JSON.stringify({ code: 'unavailable', message: 'busy' }));
  });
  await t.rejects(all(thread.frames(call, requests, background, undefined)), {
    name: 'RefusedAnswer',
    status: 503,
    error: { code: 'unavailable', message: 'busy' },
    after: 7000,
  });
});

t.test('an abort and a caller that stops reading both end the connection', async (t) => {
  const gone: Promise<unknown>[] = [];
  const thread = await setup(t, (_request, response) => {
    gone.push(once(response, 'close'));
    response.write(encodeFrames(blocks.slice(0, 1)));
  });
  const stop = new AbortController();
  const aborted = thread.frames(call, requests, { signal: stop.signal }, undefined);
  t.equal((await aborted.next()).value?.digest, blocks[0]?.digest);
  const second = aborted.next();
  stop.abort();
  await t.rejects(second, { name: 'AbortError' });
  for await (const _ of thread.frames(call, requests, background, undefined)) break;
  t.equal(gone.length, 2);
  await Promise.all(gone);
});

t.test('renew gives up what is under way as a failure of the network', async (t) => {
  const thread = await setup(t, (_request, response) => void response.write(encodeFrames(blocks.slice(0, 1))));
  const frames = thread.frames(call, requests, background, undefined);
  await frames.next();
  const second = frames.next();
  thread.renew();
  await t.rejects(second, { code: 'ECONNRESET' });
});

t.test('close ends what is under way with EINTR', async (t) => {
  const thread = await setup(t, () => undefined);
  const [first] = [thread.frames(call, requests, background, undefined).next()];
  first?.catch(() => undefined);
  await thread.close();
  await t.rejects(first as Promise<unknown>, { code: 'EINTR' });
  await t.rejects(thread.frames(call, requests, background, undefined).next(), { code: 'EINTR' });
});
