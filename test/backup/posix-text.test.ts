import t from 'tap';
import { posixRecord, posixText } from '../../src/backup/posix-text.ts';
import type { PosixRecord } from '../../src/cloud/records.ts';

const whole: PosixRecord = {
  v: 1,
  uid: 0,
  gid: 1000,
  user: 'ada',
  group: 'users',
  mtimeNs: '-1700000000123250001',
  name: 'bmFtZf8=',
  target: 'dGFyZ2V0/w==',
  link: '66305-1234.1700000000000000000',
};

t.test('a record comes back as it was, with any of its fields alone and with all but any one', (t) => {
  const { v, ...fields } = whole;
  const names = Object.keys(fields) as (keyof typeof fields)[];
  const some = names.map((name) => ({ v, [name]: whole[name] }));
  const others = names.map((left) => Object.fromEntries(Object.entries(whole).filter(([name]) => name !== left)));
  for (const record of [whole, { v: 1 }, { v: 7 }, ...some, ...others] as PosixRecord[]) {
    t.strictSame(posixRecord(posixText(record)), record);
  }
  t.end();
});
