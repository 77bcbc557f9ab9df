import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import type { Hold } from '../../src/vfs/file-system.ts';
import { parseTimeout } from '../../src/webdav/locks/lock-request.ts';
import { ancestors, lockKey } from '../../src/webdav/locks/lock.ts';
import { MemoryLockStore } from '../../src/webdav/locks/lock-store.ts';
import { DavServer, LOCK_EXCLUSIVE, LOCK_SHARED, tokenOf } from '../helpers/dav-server.ts';
import type { Answer } from '../helpers/dav-server.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

/** Counts the current holds. */
class HoldingFs extends MemoryFs {
  readonly held: string[] = [];

  override hold(...args: Parameters<MemoryFs['hold']>): Hold {
    const [id] = args;
    super.getattr(id, background);
    this.held.push(id);
    let on = true;
    return {
      release: () => {
        if (on) this.held.splice(this.held.indexOf(id), 1);
        on = false;
      },
    };
  }
}

const lock = (
  dav: DavServer,
  path: string,
  body = LOCK_EXCLUSIVE,
  headers: Record<string, string> = {},
): Promise<Answer> => dav.ask('LOCK', path, { body, headers });

const status = async (
  dav: DavServer,
  method: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<number> => (await dav.ask(method, path, { headers, ...(method === 'PUT' && { body: 'x' }) })).status;

async function served(t: Parameters<typeof DavServer.start>[0], fs = new MemoryFs()): Promise<DavServer> {
  const dav = await DavServer.start(t, { fs });
  await dav.ask('MKCOL', '/d');
  await dav.ask('MKCOL', '/d/sub');
  await dav.ask('PUT', '/d/a', { body: 'a' });
  await dav.ask('PUT', '/d/sub/b', { body: 'b' });
  return dav;
}

t.test('leases', async (t) => {
  const cases: [string | undefined, number][] = [
    [undefined, 3600],
    ['Second-600', 600],
    ['Infinite', 3600],
    ['Infinite, Second-4100000000', 3600],
    ['Second-0', 1],
    ['nonsense, second-30', 30],
    ['Second-x', 3600],
  ];
  for (const [field, seconds] of cases) t.equal(parseTimeout(field, 3_600_000), seconds * 1000, field ?? 'none');
});

t.test('keys', async (t) => {
  t.strictSame([...ancestors('/a/b/c')], ['/a/b', '/a', '']);
  t.strictSame([...ancestors('')], []);
  t.equal(lockKey(['é'.normalize('NFD')]), lockKey(['é'.normalize('NFC')]));
});

t.test('an exclusive lock refuses requests without its token', async (t) => {
  const dav = await served(t);
  const answer = await lock(dav, '/d/a', LOCK_EXCLUSIVE, { Timeout: 'Second-600', Depth: '0' });
  t.equal(answer.status, 200);
  const token = tokenOf(answer);
  t.match(token, /^opaquelocktoken:[\da-f-]{36}$/);
  t.match(
    answer.text,
    `<D:locktoken><D:href>${token}</D:href></D:locktoken><D:lockroot><D:href>/d/a</D:href></D:lockroot>`,
  );
  t.match(answer.text, '<D:depth>0</D:depth>');
  t.match(answer.text, '<D:timeout>Second-600</D:timeout>');
  for (const method of ['PUT', 'DELETE', 'PROPPATCH']) {
    const body = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="urn:x"/></prop></set></propertyupdate>';
    const refused = await dav.ask(method, '/d/a', { body });
    t.equal(refused.status, 423, method);
    t.match(refused.text, '<D:lock-token-submitted><D:href>/d/a</D:href></D:lock-token-submitted>');
  }
  t.equal(await status(dav, 'MOVE', '/d/a', { Destination: '/x' }), 423);
  t.equal(await status(dav, 'COPY', '/d/sub/b', { Destination: '/d/a' }), 423);
  t.equal(await status(dav, 'DELETE', '/d'), 423, 'a member is locked');
  t.equal(await status(dav, 'COPY', '/d/a', { Destination: '/x' }), 201, 'reading is free');
  t.equal(await status(dav, 'GET', '/d/a'), 200);
  t.equal((await lock(dav, '/d/a')).status, 423);
  t.equal((await lock(dav, '/d/a', LOCK_SHARED)).status, 423);
  t.equal((await lock(dav, '/d', LOCK_EXCLUSIVE, { Depth: 'infinity' })).status, 423, 'over a locked member');
  t.equal((await lock(dav, '/d', LOCK_EXCLUSIVE, { Depth: '0' })).status, 200);
  t.equal(await status(dav, 'PUT', '/d/a', { If: `(<${token}>)` }), 204);
  t.equal(await status(dav, 'PUT', '/d/a', { If: `<http://localhost:${dav.port}/d/a> (<${token}>)` }), 204, 'tagged');
  t.equal(await status(dav, 'PUT', '/d/a', { If: `</d/sub> (<${token}>)` }), 412, 'on another resource');
  t.equal(await status(dav, 'PUT', '/d/a', { If: '(<urn:wrong>)' }), 412);
  t.equal(await status(dav, 'PUT', '/d/a', { If: '(<urn:wrong>) (Not <DAV:no-lock>)' }), 423, 'true, but no token');
  t.equal(await status(dav, 'PUT', '/d/a', { If: `(<urn:wrong>) (<${token}>)` }), 204);
});

t.test('Finder: an untagged token of the file on MOVE, DELETE and PUT', async (t) => {
  const dav = await served(t);
  const token = tokenOf(await lock(dav, '/d/a'));
  t.equal(await status(dav, 'MOVE', '/d/a', { Destination: '/d/c', If: `(<${token}>)` }), 201);
  t.equal(await status(dav, 'PUT', '/d/c'), 204, 'the lock did not move');
  t.equal(await status(dav, 'PUT', '/d/a'), 201, 'nor stay');
});

t.test('shared locks can coexist, and the token of any of them is enough', async (t) => {
  const dav = await served(t);
  const tokens = [tokenOf(await lock(dav, '/d/a', LOCK_SHARED)), tokenOf(await lock(dav, '/d/a', LOCK_SHARED))];
  t.not(tokens[0], tokens[1]);
  t.equal((await lock(dav, '/d/a')).status, 423, 'no exclusive one among them');
  t.equal(await status(dav, 'PUT', '/d/a'), 423);
  for (const token of tokens) t.equal(await status(dav, 'PUT', '/d/a', { If: `(<${token}>)` }), 204);
  t.equal(await status(dav, 'UNLOCK', '/d/a', { 'Lock-Token': `<${tokens[0]}>` }), 204);
  t.equal(await status(dav, 'PUT', '/d/a'), 423, 'the other is still there');
});

t.test('a deep lock covers what is below, a shallow one the membership', async (t) => {
  const dav = await served(t);
  const deep = tokenOf(await lock(dav, '/d'));
  t.equal(await status(dav, 'PUT', '/d/sub/b'), 423);
  t.equal(await status(dav, 'PUT', '/d/sub/new'), 423);
  t.equal(await status(dav, 'MKCOL', '/d/new'), 423);
  t.equal(await status(dav, 'MOVE', '/d/sub/b', { Destination: '/b' }), 423);
  t.equal(await status(dav, 'PUT', '/d/sub/b', { If: `(<${deep}>)` }), 204);
  t.equal(await status(dav, 'UNLOCK', '/d/sub/b', { 'Lock-Token': `<${deep}>` }), 204, 'by a member');
  const shallow = tokenOf(await lock(dav, '/d', LOCK_EXCLUSIVE, { Depth: '0' }));
  t.equal(await status(dav, 'PUT', '/d/a'), 204, 'members change');
  t.equal(await status(dav, 'PUT', '/d/new'), 423, 'none is added');
  t.equal(await status(dav, 'DELETE', '/d/a'), 423, 'none is removed');
  t.equal((await lock(dav, '/d/unmapped')).status, 423);
  t.equal(await status(dav, 'PUT', '/d/new', { If: `</d/> (<${shallow}>)` }), 201);
  t.equal(await status(dav, 'PUT', '/d/sub/new'), 201, 'deeper is free');
});

t.test('LOCK of a missing name creates an empty file', async (t) => {
  const dav = await served(t);
  const answer = await lock(dav, '/d/new', LOCK_EXCLUSIVE, { 'If-None-Match': '*' });
  t.equal(answer.status, 201);
  t.equal((await dav.ask('GET', '/d/new')).headers['content-length'], '0');
  const token = tokenOf(answer);
  const etag = (await dav.ask('HEAD', '/d/new')).headers.etag ?? '';
  t.equal(await status(dav, 'PUT', '/d/new', { If: `(<${token}>)`, 'If-Match': etag }), 204, 'as davfs2 continues');
  t.equal((await lock(dav, '/d/a', LOCK_EXCLUSIVE, { 'If-None-Match': '*' })).status, 412);
  t.equal((await lock(dav, '/none/new')).status, 409);
});

t.test('refresh', async (t) => {
  const dav = await served(t);
  const token = tokenOf(await lock(dav, '/d', LOCK_EXCLUSIVE, { Timeout: 'Second-100' }));
  const again = await dav.ask('LOCK', '/d/a', { headers: { If: `(<${token}>)`, Timeout: 'Second-200' } });
  t.equal(again.status, 200);
  t.match(again.text, 'Second-200');
  t.equal(again.headers['lock-token'], undefined);
  t.equal((await dav.ask('LOCK', '/d', {})).status, 400);
  t.equal((await dav.ask('LOCK', '/d', { headers: { If: '(<urn:x>)' } })).status, 412);
  t.equal((await dav.ask('LOCK', '/', { headers: { If: `(<${token}>)` } })).status, 412);
});

t.test('UNLOCK', async (t) => {
  const dav = await served(t);
  const token = tokenOf(await lock(dav, '/d/a'));
  t.equal(await status(dav, 'UNLOCK', '/d/a'), 400);
  t.equal(await status(dav, 'UNLOCK', '/d/a', { 'Lock-Token': '<urn:x>' }), 409);
  t.equal(await status(dav, 'UNLOCK', '/d/sub', { 'Lock-Token': `<${token}>` }), 409);
  t.equal(await status(dav, 'UNLOCK', '/d/a', { 'Lock-Token': token }), 204, 'without brackets, as XP sends it');
  t.equal(await status(dav, 'PUT', '/d/a'), 204);
});

t.test('bad LOCK bodies', async (t) => {
  const dav = await served(t);
  const bad: [string, number][] = [
    ['<a/>', 400],
    ['<lockinfo xmlns="DAV:"/>', 400],
    [LOCK_EXCLUSIVE.replace('<D:exclusive/>', ''), 400],
    [LOCK_EXCLUSIVE.replace('<D:exclusive/>', '<D:exclusive/><D:shared/>'), 400],
    [LOCK_EXCLUSIVE.replace('<D:write/>', '<D:read/>'), 422],
    [LOCK_EXCLUSIVE.replace('me', 'x'.repeat(9000)), 413],
  ];
  for (const [body, expected] of bad) t.equal((await lock(dav, '/d/a', body)).status, expected, body.slice(0, 200));
  t.equal((await lock(dav, '/d/a', LOCK_EXCLUSIVE, { Depth: '1' })).status, 400);
});

t.test('a lock ends with its timeout', async (t) => {
  let now = Date.UTC(2026, 0, 1);
  const dav = await DavServer.start(t, { now: () => now });
  await dav.ask('PUT', '/a', { body: 'x' });
  await lock(dav, '/a', LOCK_EXCLUSIVE, { Timeout: 'Second-100' });
  now += 99_000;
  t.equal(await status(dav, 'PUT', '/a'), 423);
  now += 2000;
  t.equal(await status(dav, 'PUT', '/a'), 204);
});

t.test('a lock holds its node while it is active', async (t) => {
  const fs = new HoldingFs();
  const dav = await served(t, fs);
  const id = (path: string): string => fs.lookup(fs.root, path, background).id;
  const token = tokenOf(await lock(dav, '/new'));
  t.strictSame(fs.held, [id('new')]);
  await lock(dav, '/new');
  t.strictSame(fs.held, [id('new')], 'a refused lock holds nothing');
  await dav.ask('PUT', '/tmp', { body: 'saved' });
  t.equal(await status(dav, 'MOVE', '/tmp', { Destination: '/new', If: `</new> (<${token}>)` }), 204, 'Office saves');
  t.strictSame(fs.held, [id('new')], 'the hold is on what is there now');
  t.equal(await status(dav, 'UNLOCK', '/new', { 'Lock-Token': `<${token}>` }), 204, 'and the lock is still there');
  t.strictSame(fs.held, []);
  await lock(dav, '/d/sub/b', LOCK_EXCLUSIVE, { Timeout: 'Second-1' });
  t.equal(fs.held.length, 1);
  while (fs.held.length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  t.pass('released when the timeout ended');
  await lock(dav, '/d/a');
  await dav.server.close();
  t.strictSame(fs.held, [], 'and when the server closes');
});

t.test('locks survive a restart', async (t) => {
  const fs = new HoldingFs();
  const lockStore = new MemoryLockStore();
  const first = await DavServer.start(t, { fs, lockStore });
  await first.ask('MKCOL', '/d');
  await first.ask('PUT', '/d/a', { body: 'x' });
  await first.ask('PUT', '/d/gone', { body: 'x' });
  const token = tokenOf(await lock(first, '/d/a', LOCK_EXCLUSIVE, { Timeout: 'Second-600' }));
  await lock(first, '/d/gone');
  const before = (await first.ask('PROPFIND', '/d/a', { headers: { Depth: '0' } })).text;
  await first.server.close();
  fs.unlink(fs.lookup(fs.root, 'd', background).id, 'gone', background);
  const second = await DavServer.start(t, { fs, lockStore });
  t.strictSame(fs.held.length, 1, 'held again');
  t.equal(await status(second, 'PUT', '/d/a'), 423);
  const after = (await second.ask('PROPFIND', '/d/a', { headers: { Depth: '0' } })).text;
  const timeless = (text: string): string => text.replace(/Second-\d+/, '');
  t.equal(timeless(after), timeless(before), 'the same lock');
  t.equal(await status(second, 'PUT', '/d/gone'), 201, 'a removed node is not locked');
  t.equal((await second.ask('LOCK', '/d/a', { headers: { If: `(<${token}>)` } })).status, 200);
  t.equal(await status(second, 'UNLOCK', '/d/a', { 'Lock-Token': `<${token}>` }), 204);
  t.strictSame(lockStore.load(), []);
});
