import t from 'tap';
import { BrokenResponse, classify, record, RefusedAnswer, revive } from '../../../src/cloud/http/errors.ts';
import { fsCodeOf } from '../../../src/cloud/errors.ts';
import { WIRE_CODES } from '../../../src/cloud/wire-code.ts';
import { CODES, FsError } from '../../../src/vfs/fs-error.ts';

const { signal } = new AbortController();
const coded = (code: string) => Object.assign(new Error('words'), { code });

t.test('every code of the wire has a code of FsError', async (t) => {
  for (const code of WIRE_CODES) t.ok(CODES.includes(fsCodeOf(code)), code);
});

const cases: [name: string, thrown: unknown, code: string, temporary: boolean][] = [
  ['reset', coded('ECONNRESET'), 'EAGAIN', true],
  ['refused', coded('ECONNREFUSED'), 'EAGAIN', true],
  ['no such host', coded('ENOTFOUND'), 'EAGAIN', true],
  ['resolver busy', coded('EAI_AGAIN'), 'EAGAIN', true],
  ['all addresses refused', new AggregateError([coded('ECONNREFUSED')]), 'EAGAIN', true],
  ['other side closed', coded('UND_ERR_SOCKET'), 'EAGAIN', true],
  ['connect timeout', coded('UND_ERR_CONNECT_TIMEOUT'), 'EAGAIN', true],
  ['no answer', coded('UND_ERR_HEADERS_TIMEOUT'), 'EAGAIN', true],
  ['silence', coded('UND_ERR_BODY_TIMEOUT'), 'EAGAIN', true],
  ['half a body', coded('UND_ERR_RES_CONTENT_LENGTH_MISMATCH'), 'EAGAIN', true],
  ['not HTTP', coded('HPE_INVALID_CONSTANT'), 'EIO', true],
  ['expired certificate', coded('CERT_HAS_EXPIRED'), 'EACCES', false],
  ['own certificate', coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'EACCES', false],
  ['another host', coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'EACCES', false],
  ['closed by us', coded('UND_ERR_DESTROYED'), 'EINTR', false],
  ['a fault of ours', new TypeError('x is not a function'), 'EIO', false],
  ['404 of the service', new RefusedAnswer(404, { code: 'not_found', message: '' }, undefined), 'ENOENT', false],
  ['404 of someone else', new RefusedAnswer(404, undefined, undefined), 'EIO', false],
  ['403 of someone else', new RefusedAnswer(403, undefined, undefined), 'EACCES', false],
  ['502 of a proxy', new RefusedAnswer(502, undefined, undefined), 'EAGAIN', true],
  ['429', new RefusedAnswer(429, { code: 'too_many_requests', message: '' }, 7), 'EAGAIN', true],
  ['500', new RefusedAnswer(500, { code: 'internal', message: '' }, undefined), 'EAGAIN', true],
  ['507', new RefusedAnswer(507, { code: 'quota_exceeded', message: '' }, undefined), 'EDQUOT', false],
  ['410', new RefusedAnswer(410, { code: 'cursor_expired', message: '' }, undefined), 'ESTALE', false],
  ['nonsense', new BrokenResponse('?'), 'EIO', false],
  ['damaged', new BrokenResponse('?', { temporary: true }), 'EIO', true],
];

t.test('everything thrown becomes one error, temporary or not', async (t) => {
  for (const [name, thrown, code, temporary] of cases) {
    const failure = classify(thrown, 'op', 'subject', signal);
    t.match(failure, { error: { code, op: 'op', subject: 'subject', cause: thrown }, temporary }, name);
  }
});

t.test('a failure means the same after it has crossed threads', async (t) => {
  for (const [name, thrown] of cases) {
    const { error, temporary, after } = classify(revive(structuredClone(record(thrown))), 'op', 'subject', signal);
    const before = classify(thrown, 'op', 'subject', signal);
    t.strictSame(
      [error.code, error.reason, temporary, after],
      [before.error.code, before.error.reason, before.temporary, before.after],
      name,
    );
  }
});

t.test('an abort is EINTR and a deadline ETIMEDOUT, whatever was thrown', async (t) => {
  const aborted = new AbortController();
  aborted.abort();
  t.match(classify(coded('ECONNRESET'), 'op', undefined, aborted.signal), {
    error: { code: 'EINTR' },
    temporary: false,
  });
  const late = AbortSignal.abort(new DOMException('late', 'TimeoutError'));
  t.match(classify(coded('ECONNRESET'), 'op', undefined, late), { error: { code: 'ETIMEDOUT' }, temporary: false });
});

t.test('an FsError is passed on unchanged', async (t) => {
  const error = new FsError('EIO', 'commit');
  t.equal(classify(error, 'op', undefined, signal).error, error);
});
