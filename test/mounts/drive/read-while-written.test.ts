import t from 'tap';
import { DavTree } from '../../helpers/dav-tree.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

const SIZE = 700_000;
const PUTS = 40;

/** A content that consists of one repeated byte, so that mixed contents are detected. */
const contentOf = (i: number): Buffer => Buffer.alloc(SIZE - 1000 * (i % 7), 33 + (i % 90));

t.test('a reader of a file that is rewritten all the time gets one content, with its own entity tag', async (t) => {
  const { a, b, converge } = await openHttpPair(t);
  const here = await DavTree.serve(t, a.fs);
  const there = await DavTree.serve(t, b.fs);
  await fetch(new URL('/Sync/f', here.url), { method: 'PUT', body: contentOf(0) });
  await converge();

  const tags = new Map<string, string>();
  const writing = new AbortController();
  let reads = 0;
  const look = async (url: string): Promise<void> => {
    const answer = await fetch(new URL('/Sync/f', url));
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    const [first = 0] = bytes;
    if (!bytes.equals(Buffer.alloc(bytes.length, first))) throw new Error('a mixture of two contents');
    const what = `${first} ${bytes.length}`;
    const tag = answer.headers.get('etag') ?? '';
    if ((tags.get(tag) ?? what) !== what) throw new Error(`${tag} names ${tags.get(tag)} and ${what}`);
    tags.set(tag, what);
    reads++;
  };
  const reader = async (url: string): Promise<void> => {
    while (!writing.signal.aborted) await look(url);
  };
  const writer = async (): Promise<void> => {
    try {
      for (let i = 1; i <= PUTS; i++) {
        const { status } = await fetch(new URL('/Sync/f', here.url), { method: 'PUT', body: contentOf(i) });
        if (status !== 204) throw new Error(`PUT: ${status}`);
      }
    } finally {
      writing.abort();
    }
  };
  const ended = await Promise.allSettled([writer(), reader(here.url), reader(here.url), reader(there.url)]);
  for (const outcome of ended) if (outcome.status === 'rejected') throw outcome.reason;
  t.ok(reads > 3, `${reads} reads`);
  t.ok(tags.size > 1, `${tags.size} contents were seen`);

  await converge();
  for (const dav of [here, there]) {
    const answer = await fetch(new URL('/Sync/f', dav.url));
    t.ok(Buffer.from(await answer.arrayBuffer()).equals(contentOf(PUTS)), 'the last content stays');
  }
  t.strictSame(await a.gateway.conflicts(), []);
});
