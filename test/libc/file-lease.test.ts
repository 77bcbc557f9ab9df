import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FileLease } from '../../src/libc/file-lease.ts';
import { temporary } from '../helpers/temporary.ts';

t.test(
  'a file is shared while another descriptor of it is open',
  { skip: process.platform !== 'linux' && 'Linux alone has leases' },
  async (t) => {
    const path = join(temporary(t), 'file');
    writeFileSync(path, 'x');
    const lease = new FileLease();
    const own = openSync(path, 'r+');
    t.equal(lease.isShared(own), false);
    const other = openSync(path, 'r');
    t.equal(lease.isShared(own), true);
    closeSync(other);
    t.equal(lease.isShared(own), false);
    closeSync(own);
  },
);
