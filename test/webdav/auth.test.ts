import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import { authenticator } from '../../src/webdav/auth/auth.ts';
import type { Credentials } from '../../src/webdav/auth/auth.ts';
import { parseBasic } from '../../src/webdav/auth/basic.ts';
import { parseDigest } from '../../src/webdav/auth/digest-header.ts';
import { DavError } from '../../src/webdav/dav-error.ts';

const credentials = { user: 'Åse', password: 'p:a+s/s"ö', realm: 'Fjord' };
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const hash = (name: string, text: string): string => createHash(name).update(text).digest('hex');

/** The challenges of a refusal; `undefined` if the request was accepted. */
function challenges(run: () => void): string[] | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (!(error instanceof DavError) || error.status !== 401) throw error;
    return error.headers.filter((_, i) => i % 2 === 1);
  }
}

class Door {
  now = Date.UTC(2026, 0, 1);
  readonly #auth;

  constructor(given: Credentials = credentials) {
    this.#auth = authenticator(given, () => this.now, randomBytes);
  }

  try(authorization: string | undefined, method = 'GET', url = '/a%20b'): string[] | undefined {
    return challenges(() => this.#auth.check({ method, url, authorization }));
  }

  nonce(): string {
    return /nonce="([^"]+)"/.exec(this.try(undefined)?.join() ?? '')?.[1] ?? '';
  }
}

interface DigestFields {
  readonly nonce: string;
  readonly nc?: string;
  readonly uri?: string;
  readonly algorithm?: 'MD5' | 'SHA-256' | undefined;
  readonly password?: string;
  readonly user?: string;
  readonly method?: string;
}

function digest(fields: DigestFields): string {
  const { nonce, nc = '00000001', uri = '/a%20b', algorithm, password = credentials.password, method = 'GET' } = fields;
  const user = fields.user ?? credentials.user;
  const name = algorithm === 'SHA-256' ? 'sha256' : 'md5';
  const a1 = hash(name, `${user}:Fjord:${password}`);
  const response = hash(name, `${a1}:${nonce}:${nc}:c0ffee:auth:${hash(name, `${method}:${uri}`)}`);
  const tail = algorithm === undefined ? '' : `, algorithm=${algorithm}`;
  return `Digest username="${user}", realm="Fjord", nonce="${nonce}", uri="${uri}", qop=auth, nc=${nc}, cnonce="c0ffee", response="${response}"${tail}`;
}

t.test('basic fields', async (t) => {
  t.strictSame(parseBasic(basic('a:b:c')), { user: 'a', password: 'b:c' });
  t.strictSame(parseBasic('  bAsIc   YTpi  '), { user: 'a', password: 'b' });
  t.strictSame(parseBasic(basic(':')), { user: '', password: '' });
  for (const bad of ['Basic', 'Basic ', 'Basic !', basic('nocolon'), 'Bearer YTpi'])
    t.equal(parseBasic(bad), undefined, bad);
});

t.test('digest fields', async (t) => {
  const parsed = parseDigest('Digest a="x, \\"y\\"", B=z ,c="",d=1');
  t.strictSame(
    [...(parsed ?? [])],
    [
      ['a', 'x, "y"'],
      ['b', 'z'],
      ['c', ''],
      ['d', '1'],
    ],
  );
  for (const bad of ['Digest a', 'Digest a=', 'Digest a="x', 'Digest a=1 b=2', 'Digest a=1,a=2', 'Basic a=1'])
    t.equal(parseDigest(bad), undefined, bad);
});

t.test('Basic accepts only the right password', async (t) => {
  const door = new Door();
  t.equal(door.try(basic('Åse:p:a+s/s"ö')), undefined);
  t.equal(door.try(basic('Åse:p:a+s/s"ö').replace('Basic', 'basic')), undefined, 'schemes are case-insensitive');
  t.equal(door.try(basic('Åse:p:a+s/s"ö'.normalize('NFD'))), undefined, 'as a Mac encodes it');
  for (const wrong of ['Åse:p', 'Åse:', ':', 'åse:p:a+s/s"ö', 'Åse:p:a+s/s"ö ']) t.ok(door.try(basic(wrong)), wrong);
  t.ok(door.try(undefined));
  t.ok(door.try(''));
  t.ok(new Door({ ...credentials, basic: false }).try(basic('Åse:p:a+s/s"ö')), 'switched off');
});

t.test('the challenges', async (t) => {
  const offered = new Door().try(undefined) ?? [];
  t.match(offered, [
    /^Digest realm="Fjord", qop="auth", nonce="[^"]+", algorithm=MD5$/,
    /algorithm=SHA-256$/,
    /^Basic realm="Fjord", charset="UTF-8"$/,
  ]);
  t.equal(new Door({ ...credentials, basic: false }).try(undefined)?.length, 2);
});

t.test('Digest accepts the right response, with each algorithm', async (t) => {
  for (const algorithm of [undefined, 'MD5', 'SHA-256'] as const) {
    const door = new Door();
    t.equal(door.try(digest({ nonce: door.nonce(), algorithm })), undefined, algorithm ?? 'none named');
  }
  const door = new Door();
  t.equal(door.try(digest({ nonce: door.nonce(), uri: '/a b' })), undefined, 'the same path, escaped differently');
});

t.test('Digest refuses what is wrong', async (t) => {
  const door = new Door();
  const nonce = door.nonce();
  const right = digest({ nonce });
  const wrong = {
    password: digest({ nonce, password: 'x' }),
    user: digest({ nonce, user: 'x' }),
    'other path': digest({ nonce, uri: '/b' }),
    'bad path': digest({ nonce, uri: '/%zz' }),
    'other method': digest({ nonce, method: 'PUT' }),
    'no counter': right.replace(/nc=\d+, /, ''),
    'counter zero': digest({ nonce, nc: '00000000' }),
    'no qop': right.replace('qop=auth, ', ''),
    'unknown algorithm': `${right}, algorithm=SHA-1`,
    garbage: 'Digest foo',
    empty: 'Digest ',
  };
  for (const [what, field] of Object.entries(wrong)) {
    const offered = door.try(field);
    t.ok(offered, what);
    t.notMatch(offered?.join(), /stale/, `${what}: not stale`);
  }
  t.equal(door.try(right), undefined, 'the right one is still accepted');
});

t.test('a counter is accepted once, in any order', async (t) => {
  const door = new Door();
  const nonce = door.nonce();
  for (const nc of ['00000001', '00000003', '00000002']) t.equal(door.try(digest({ nonce, nc })), undefined, nc);
  t.match(door.try(digest({ nonce, nc: '00000002' }))?.join(), /stale=true/, 'replayed');
  t.equal(door.try(digest({ nonce, nc: '00002000' })), undefined, 'far ahead');
  t.match(door.try(digest({ nonce, nc: '00000004' }))?.join(), /stale=true/, 'far behind');
});

t.test('nonces that are old, foreign or made up are stale', async (t) => {
  const door = new Door();
  const old = door.nonce();
  door.now += 9 * 3_600_000;
  for (const nonce of [old, new Door().nonce(), 'made.up.one', '']) {
    t.match(door.try(digest({ nonce }))?.join(), /stale=true/, nonce);
  }
});
