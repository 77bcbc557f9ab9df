import { connect } from 'node:net';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import t from 'tap';
import { MAX_BATCH_BLOCKS } from '../../../src/cloud/limits.ts';
import { WIRE_CODES } from '../../../src/cloud/wire-code.ts';
import { Api, framesOf } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { contentOf, mkdir, noise, put, remove, symlink } from '../../helpers/intents.ts';

t.setTimeout(500_000);

/** Sends raw bytes. Resolves to everything received until the connection ends. */
async function raw(url: string, bytes: string | Buffer, end = false): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  if (end) socket.end();
  let answer = '';
  try {
    for await (const chunk of socket) answer += String(chunk);
  } catch {
    // A reset counts as an end, too.
  }
  return answer;
}

t.test('malformed input is refused with a documented code, and the service keeps running', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const { id, root } = await api.space('sync');
  const json = { 'content-type': 'application/json' };
  const text = async (path: string, body: string, headers: Record<string, string> = json) => {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.token}`, ...headers },
      body,
    });
    return { status: answer.status, body: (await answer.json()) as { code: string; message: string } };
  };
  const answers = {
    'broken JSON': await text('/v1/intents', '{"intents":['),
    'no JSON': await text('/v1/intents', 'hello', { 'content-type': 'text/plain' }),
    'an empty body': await text('/v1/intents', ''),
    'another type': await text('/v1/intents', '{"intents":"many"}'),
    'no intents': await text('/v1/intents', '{"intents":[]}'),
    'too many intents': await api.call('POST', '/v1/intents', {
      intents: Array.from({ length: 501 }, () => ({ id: 'x' })),
    }),
    'an intent without id': await api.call('POST', '/v1/intents', { intents: [{ op: 'mkdir' }] }),
    'digests in hex': await api.call('POST', '/v1/blocks/missing', { digests: ['00'] }),
    'half a digest': await api.call('POST', '/v1/blocks/missing', { digests: 'AAAA' }),
    'JSON instead of blocks': await api.call('POST', '/v1/blocks', {}),
    'a negative index': await api.call('POST', '/v1/blocks/read', { blocks: [{ version: 'x', index: -1 }] }),
    'no since': await api.call('GET', `/v1/spaces/${id}/feed`),
    'a since of letters': await api.call('GET', `/v1/spaces/${id}/feed?since=abc`),
    'a negative since': await api.call('GET', `/v1/spaces/${id}/feed?since=-1`),
    'a sync space': await api.call('POST', '/v1/spaces', { kind: 'sync', name: 'mine' }),
    'a bad escape': await api.call('GET', '/v1/spaces/%zz/snapshot'),
    'a body that is too large': await text('/v1/login', `{"email":"${'a'.repeat(3 * 1024 * 1024)}"}`),
  };
  for (const [what, { status, body }] of Object.entries(answers)) {
    t.equal(status, what.includes('too large') ? 413 : 400, `${what}: ${status} ${JSON.stringify(body)}`);
    t.ok(WIRE_CODES.includes(body.code as never), what);
    t.type(body.message, 'string', what);
  }
  t.match(await api.call('GET', '/v1/nothing'), { status: 404, body: { code: 'not_found' } });
  t.match(await api.call('PATCH', '/v1/spaces'), { status: 404, body: { code: 'not_found' } });
  t.equal((await api.done(mkdir({ space: id, parent: root, name: 'fine' }))).name, 'fine');
});

t.test('an invalid intent does not block its batch', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const { id: space, root: parent } = await api.space('sync');
  const bad = { ...mkdir({ space, parent, name: 'b' }), mode: 'rwx' };
  const unknown = { ...mkdir({ space, parent, name: 'c' }), op: 'chmod' };
  const { body } = await api.call('POST', '/v1/intents', {
    intents: [mkdir({ space, parent, name: 'a' }), bad, unknown, mkdir({ space, parent, name: 'd' })],
  });
  t.match(body.results, [
    { status: 'done' },
    { status: 'refused', code: 'bad_request' },
    { status: 'refused', code: 'bad_request' },
    { status: 'done' },
  ]);
});

t.test('invalid names', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const { id: space, root: parent } = await api.space('sync');
  for (const name of ['', '.', '..', 'a/b', 'a\0b', 'é'.repeat(128), 'x'.repeat(256), '\ud800']) {
    t.equal(await api.refused(mkdir({ space, parent, name })), 'name_invalid', JSON.stringify(name).slice(0, 20));
    t.match(await api.call('POST', '/v1/spaces', { kind: 'backup', name }), {
      status: 400,
      body: { code: 'name_invalid' },
    });
  }
  for (const name of ['x'.repeat(255), `${'é'.repeat(127)}x`, '\x01\n', ' ', 'CON', '日本語', 'e\u0301', 'é']) {
    t.equal((await api.done(mkdir({ space, parent, name }))).name, name, 'byte for byte');
  }
});

t.test('invalid frames', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const good = framesOf(noise(1000));
  const wrong = Buffer.from(good);
  wrong.writeUInt8(wrong.readUInt8(100) ^ 1, 100);
  const long = Buffer.from(good);
  long.writeUInt32BE(BLOCK_SIZE + 1);
  const empty = Buffer.from(good.subarray(0, 36));
  empty.writeUInt32BE(0);
  const tiny = Buffer.concat(Array.from({ length: MAX_BATCH_BLOCKS + 1 }, () => framesOf(Buffer.from('x'))));
  const cases: [string, Buffer, number, string][] = [
    ['a wrong digest', wrong, 422, 'digest_mismatch'],
    ['an end inside the data', good.subarray(0, 500), 400, 'bad_request'],
    ['an end inside the header', good.subarray(0, 20), 400, 'bad_request'],
    ['a block that is too long', long, 400, 'bad_request'],
    ['a block of no bytes', empty, 400, 'bad_request'],
    ['too many blocks', tiny, 413, 'too_large'],
    ['too many bytes', Buffer.concat([framesOf(noise(8 * BLOCK_SIZE)), good]), 413, 'too_large'],
    ['far too many bytes', Buffer.alloc(12 * BLOCK_SIZE), 413, 'too_large'],
  ];
  for (const [what, body, status, code] of cases) {
    t.match(await api.call('POST', '/v1/blocks', body), { status, body: { code } }, what);
  }
  const all = [good, tiny].map((frames) => frames.subarray(4, 36));
  const { body } = await api.call('POST', '/v1/blocks/missing', { digests: Buffer.concat(all).toString('base64') });
  t.equal(Buffer.from(body.missing, 'base64').subarray(0, 32).equals(good.subarray(4, 36)), true, 'nothing was stored');
  t.match(await api.call('POST', '/v1/blocks', good), { status: 200, body: { stored: 1 } });
  t.match(await api.call('POST', '/v1/blocks', Buffer.alloc(0)), { status: 200, body: { stored: 0 } });
});

t.test('inconsistent contents', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const { id: space, root: parent } = await api.space('sync');
  const { wire } = contentOf(noise(BLOCK_SIZE + 10));
  const place = { space, parent, name: 'f' };
  t.equal(await api.refused(put(place, wire)), 'blocks_missing');
  const bytes = noise(BLOCK_SIZE + 10);
  await api.upload(bytes);
  const content = contentOf(bytes).wire;
  t.equal(await api.refused(put(place, { ...content, size: content.size - 1 })), 'bad_request');
  t.equal(await api.refused(put(place, { ...content, size: 5 })), 'bad_request');
  t.equal(await api.refused(put(place, { ...content, blocks: content.blocks.slice(0, 10) })), 'bad_request');
  t.equal(await api.refused(put(place, { from: 'unknown' })), 'not_found');
  const xattrs = { big: Buffer.alloc(65 * 1024).toString('base64') };
  t.equal(await api.refused(put(place, content, { xattrs })), 'too_large');
  t.equal(await api.refused(put(place, content, { xattrs: { a: '!!!' } })), 'bad_request');
  t.equal((await api.done(put(place, content))).size, bytes.length);
});

t.test('invalid HTTP, and wrong lengths', async (t) => {
  const { url, login } = await startTestCloud(t);
  const token = await login();
  const head = `POST /v1/blocks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/octet-stream\r\n`;
  t.match(await raw(url, 'hello\r\n\r\n'), /^HTTP\/1\.1 400 .*"code":"bad_request"/s);
  t.match(await raw(url, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`), /"code":"too_large"/);
  t.match(await raw(url, `${head}Content-Length: ten\r\n\r\n`), /"code":"bad_request"/);
  t.match(await raw(url, `${head}Content-Length: 99999999999\r\n\r\nabc`, true), /"code":"too_large"|^$/);
  t.notMatch(await raw(url, `${head}Content-Length: 5000\r\n\r\nabc`, true), /200 OK/, 'a body that ends early');
  t.notMatch(await raw(url, `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`), /200 OK/, 'a chunk of zz bytes');
  t.equal((await new Api(url, token).call('GET', '/v1/device')).status, 200, 'the service keeps running');
});

t.test('values out of range are refused with the name of the field', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const { id: space, root: parent } = await api.space('sync');
  const place = { space, parent, name: 'n' };
  const node = await api.done(mkdir({ space, parent, name: 'there' }));
  const empty = { size: 0, blocks: '' };
  const cases: [string, object][] = [
    ['/mtime', mkdir(place, { mtime: 1e308 })],
    ['/mtime', mkdir(place, { mtime: -8.64e15 - 2 })],
    ['/birthtime', mkdir(place, { birthtime: -1e308 })],
    ['/mode', mkdir(place, { mode: 0o10000 })],
    ['/mode', mkdir(place, { mode: -1 })],
    ['/mode', mkdir(place, { mode: 0.5 })],
    ['/node', mkdir(place, { node: '.' })],
    ['/node', mkdir(place, { node: '..' })],
    ['/node', mkdir(place, { node: 'a/b' })],
    ['/parent', mkdir({ ...place, parent: '..' })],
    ['/space', mkdir({ ...place, space: '.' })],
    ['/version', put(place, empty, { version: '..' })],
    ['/base', put(place, empty, { base: '..' })],
    ['/content', put(place, { size: 2 ** 53, blocks: '' })],
    ['/content', put(place, { size: 0.5, blocks: '' })],
    ['/content', put(place, { size: -1, blocks: '' })],
    ['/target', symlink(place, 'a\0b')],
    ['/target', symlink(place, '')],
    ['/target', symlink(place, 'é'.repeat(3000))],
    ['/target', symlink(place, '\ud800')],
    ['/xattrs', mkdir(place, { xattrs: { 'a\0': '' } })],
    ['/xattrs', mkdir(place, { xattrs: { '': '' } })],
    ['/xattrs', mkdir(place, { xattrs: { ['é'.repeat(200)]: '' } })],
    ['/xattrs', mkdir(place, { xattrs: { a: 'no base64' } })],
    ['/posix/uid', mkdir(place, { posix: { v: 1, uid: 2 ** 32 } })],
    ['/posix/gid', mkdir(place, { posix: { v: 1, gid: -1 } })],
    ['/posix/user', mkdir(place, { posix: { v: 1, user: 'a\0' } })],
    ['/posix/group', mkdir(place, { posix: { v: 1, group: 'g'.repeat(256) } })],
    ['/posix/mtimeNs', mkdir(place, { posix: { v: 1, mtimeNs: '1.5' } })],
    ['/posix/name', mkdir(place, { posix: { v: 1, name: 'A'.repeat(5468) } })],
    ['/posix/link', mkdir(place, { posix: { v: 1, link: 'a/b' } })],
    ['/posix/v', mkdir(place, { posix: { v: 0 } })],
    ['/mtime', { op: 'attr', id: 'i', space, node: node.id, mtime: 1e300 }],
    ['/xattrs', { op: 'attr', id: 'i', space, node: node.id, xattrs: { a: '?' } }],
    ['/seen', { ...remove(space, node.id, null, 0), seen: 1e300 }],
    ['/from/parent', { op: 'move', id: 'i', node: node.id, ...place, from: { parent: '.', name: 'there' } }],
    ['/from/name', { op: 'move', id: 'i', node: node.id, ...place, from: { parent, name: 'a/b' } }],
  ];
  for (const [field, intent] of cases) {
    const { body } = await api.call('POST', '/v1/intents', { intents: [intent] });
    const [result] = body.results;
    t.match(result, { status: 'refused', code: 'bad_request' }, `${field} ${JSON.stringify(intent).slice(0, 80)}`);
    t.ok(result.message.includes(field), `${field}: ${result.message}`);
  }
  t.match(await api.call('GET', `/v1/spaces/${space}/snapshot`), { body: [{ name: 'there' }, { cursor: 1 }] });
  for (const mtime of [8.64e15, -8.64e15, 0.25]) {
    t.equal((await api.done(mkdir({ ...place, name: `${mtime}` }, { mtime }))).mtime, mtime);
  }
});
