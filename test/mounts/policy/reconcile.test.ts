import t from 'tap';
import { WIRE_CODES } from '../../../src/cloud/errors.ts';
import type { Action, Rules, Side } from '../../../src/mounts/policy/policy.ts';
import {
  mirror,
  reconcile,
  remedyFor,
  twoWay,
  uploadOnly,
  type Refused,
  type Remedy,
} from '../../../src/mounts/policy/reconcile.ts';

const sides: readonly Side[] = ['same', 'changed', 'gone'];

/** Local side, remote side, and what each policy does. */
const cells: readonly (readonly [Side, Side, two: Action, mirror: Action, up: Action])[] = [
  ['same', 'same', 'none', 'none', 'none'],
  ['same', 'changed', 'download', 'download', 'download'],
  ['same', 'gone', 'removeLocal', 'removeLocal', 'removeLocal'],
  ['changed', 'same', 'upload', 'download', 'upload'],
  ['changed', 'changed', 'conflict', 'download', 'conflict'],
  ['changed', 'gone', 'upload', 'removeLocal', 'upload'],
  ['gone', 'same', 'removeRemote', 'download', 'download'],
  ['gone', 'changed', 'download', 'download', 'download'],
  ['gone', 'gone', 'agree', 'agree', 'agree'],
];

t.test('every cell of every table', async (t) => {
  t.equal(cells.length, sides.length ** 2);
  for (const [local, remote, two, down, up] of cells) {
    const at = { local, remote, equal: false };
    t.equal(reconcile(twoWay, at), two, `two-way: ${local} here, ${remote} there`);
    t.equal(reconcile(mirror, at), down, `mirror: ${local} here, ${remote} there`);
    t.equal(reconcile(uploadOnly, at), up, `upload-only: ${local} here, ${remote} there`);
  }
});

t.test('equal content on both sides is no conflict, whatever the policy', async (t) => {
  for (const rules of [twoWay, mirror, uploadOnly] as Rules[]) {
    t.equal(reconcile(rules, { local: 'changed', remote: 'changed', equal: true }), 'agree');
  }
  t.equal(reconcile(twoWay, { local: 'changed', remote: 'same', equal: true }), 'upload');
});

type Row = readonly [Partial<Refused> & Pick<Refused, 'op' | 'code'>, Remedy];

const refusals: readonly Row[] = [
  [{ op: 'mkdir', code: 'exists', creates: true, equal: true }, 'merge'],
  [{ op: 'mkdir', code: 'exists', creates: true }, 'rename'],
  [{ op: 'put', code: 'exists', creates: true, equal: true }, 'merge'],
  [{ op: 'put', code: 'exists', creates: true }, 'rename'],
  [{ op: 'symlink', code: 'exists', creates: true, equal: true }, 'merge'],
  [{ op: 'move', code: 'exists' }, 'rename'],
  [{ op: 'move', code: 'exists', equal: true }, 'rename'],
  [{ op: 'put', code: 'conflict' }, 'copy'],
  [{ op: 'put', code: 'conflict', equal: true }, 'executed'],
  [{ op: 'put', code: 'conflict', creates: true }, 'merge'],
  [{ op: 'put', code: 'conflict', rules: mirror }, 'show'],
  [{ op: 'move', code: 'conflict' }, 'show'],
  [{ op: 'remove', code: 'conflict' }, 'show'],
  [{ op: 'attr', code: 'conflict' }, 'show'],
  [{ op: 'put', code: 'gone', about: 'node' }, 'recreate'],
  [{ op: 'put', code: 'gone', about: 'node', rules: mirror }, 'forget'],
  [{ op: 'put', code: 'gone', about: 'parent', creates: true }, 'recreateParent'],
  [{ op: 'put', code: 'not_found', about: 'nothing', creates: true }, 'recreateParent'],
  [{ op: 'mkdir', code: 'gone', about: 'parent', creates: true }, 'recreateParent'],
  [{ op: 'move', code: 'gone', about: 'node' }, 'recreate'],
  [{ op: 'move', code: 'gone', about: 'parent' }, 'recreateParent'],
  [{ op: 'attr', code: 'gone', about: 'node' }, 'forget'],
  [{ op: 'remove', code: 'gone', about: 'node' }, 'executed'],
  [{ op: 'remove', code: 'not_found' }, 'executed'],
  [{ op: 'put', code: 'blocks_missing' }, 'again'],
  [{ op: 'put', code: 'unavailable' }, 'again'],
  [{ op: 'put', code: 'quota_exceeded' }, 'park'],
  [{ op: 'mkdir', code: 'name_invalid', creates: true }, 'park'],
  [{ op: 'move', code: 'forbidden' }, 'park'],
  [{ op: 'put', code: 'too_large' }, 'park'],
];

t.test('what follows a refusal', async (t) => {
  for (const [given, remedy] of refusals) {
    const refused: Refused = { creates: false, rules: twoWay, about: 'nothing', equal: false, ...given };
    t.equal(remedyFor(refused), remedy, JSON.stringify({ ...given, rules: undefined }));
  }
});

t.test('there is a remedy for every code of the service', async (t) => {
  for (const code of WIRE_CODES) {
    const refused: Refused = { op: 'put', code, creates: true, rules: twoWay, about: 'nothing', equal: false };
    t.type(remedyFor(refused), 'string', code);
  }
});
