import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { PROCESS_ENVIRONMENT } from '../../src/daemon/process-environment.ts';
import { V8_FLAGS } from '../../src/cli/v8-flags.ts';
import { runCommand } from '../helpers/run-command.ts';

const root = join(import.meta.dirname, '../..');
const { GLIBC_TUNABLES = '' } = PROCESS_ENVIRONMENT;
const node = `GLIBC_TUNABLES=${GLIBC_TUNABLES} node ${V8_FLAGS.join(' ')}`;

t.test('every way to start the program gives V8 and glibc the same settings', async (t) => {
  const program = await readFile(join(root, 'src/cli/fjord.cts'), 'utf8');
  t.equal(program.split('\n')[0], `#!/usr/bin/env -S ${node}`);
  t.ok((await readFile(join(root, 'scripts/mount.fuse.fjord'), 'utf8')).includes(`setsid env ${node} `));
});

t.test('with them the garbage collector can be called', async (t) => {
  const out = await runCommand(process.execPath, [...V8_FLAGS, '-p', 'typeof gc']);
  t.equal(out.trim(), 'function');
});
