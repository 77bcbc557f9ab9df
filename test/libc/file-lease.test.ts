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

t.test(
  'a file is written while a descriptor for that is open, and a lease ends no process that opens one',
  { skip: process.platform !== 'linux' && 'Linux alone has leases' },
  async (t) => {
    const path = join(temporary(t), 'file');
    writeFileSync(path, 'x');
    const lease = new FileLease();
    const own = openSync(path, 'r');
    const reader = openSync(path, 'r');
    t.equal(lease.isWritten(own), false);
    const writer = openSync(path, 'a');
    t.equal(lease.isWritten(own), true);
    closeSync(writer);
    t.equal(lease.isWritten(own), false);
    closeSync(reader);
    closeSync(own);
  },
);
