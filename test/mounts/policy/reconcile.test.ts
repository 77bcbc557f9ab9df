import t from 'tap';
import { WIRE_CODES } from '../../../src/cloud/wire-code.ts';
import { mirror, remedyFor, twoWay, type Refused, type Remedy } from '../../../src/mounts/policy/reconcile.ts';

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
  [{ op: 'put', code: 'conflict', rules: mirror, equal: true }, 'executed'],
  [{ op: 'move', code: 'conflict' }, 'show'],
  [{ op: 'remove', code: 'conflict' }, 'show'],
  [{ op: 'remove', code: 'conflict', rules: mirror }, 'show'],
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
  [{ op: 'remove', code: 'unavailable' }, 'show'],
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
