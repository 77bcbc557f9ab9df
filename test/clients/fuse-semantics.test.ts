import {
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  truncate,
  unlink,
} from 'node:fs/promises';
import { link, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import type { Fjord } from '../helpers/gateway-process.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';
import { runCommand, tryCommand } from '../helpers/run-command.ts';

const OLD = 'as it was';
const YEAR = new Date('2024-01-01T12:00:00Z');

/** The place of an operation: its file or folder, a neighbour, and folders of two mounts. */
interface Place {
  readonly path: string;
  readonly beside: string;
  readonly away: string;
  readonly out: string;
}

interface Row {
  readonly does: string;
  /** The result for each column: success, or an error. */
  readonly expect: readonly string[];
  readonly run: (place: Place) => Promise<unknown>;
}

//                   in /Sync  in a set  settling  sealed
const FILES: readonly Row[] = [
  row('list', ['', '', '', ''], ({ path }) => readdir(join(path, '..'))),
  row('stat', ['', '', '', ''], ({ path }) => stat(path)),
  row('read', ['', '', '', 'EACCES'], ({ path }) => readFile(path)),
  row('create', ['', 'EROFS', '', ''], ({ path }) => writeFile(`${path}.new`, 'new', { flag: 'wx' })),
  row('mkdir', ['', 'EROFS', '', ''], ({ path }) => mkdir(`${path}.folder`)),
  row('symlink', ['', 'EROFS', '', ''], ({ path }) => symlink('target', `${path}.link`)),
  row('link', ['EPERM', 'EPERM', 'EPERM', 'EPERM'], ({ path }) => link(path, `${path}.hard`)),
  row('replace', ['', 'EROFS', '', ''], ({ path }) => writeFile(path, 'other content')),
  row('replace-equal', ['', 'EROFS', '', ''], ({ path }) => writeFile(path, OLD)),
  row('write-part', ['', 'EROFS', '', 'EPERM'], ({ path }) => writeAt(path, 3)),
  row('append', ['', 'EROFS', '', 'EPERM'], ({ path }) => writeFile(path, 'more', { flag: 'a' })),
  row('truncate', ['', 'EROFS', '', 'EPERM'], ({ path }) => truncate(path, 3)),
  row('allocate', ['', 'EROFS', '', 'EPERM'], ({ path }) =>
    python('os.posix_fallocate(os.open(a, os.O_RDWR), 0, 99)', path),
  ),
  row('rename', ['', 'EROFS', '', 'EPERM'], ({ path }) => rename(path, `${path}.moved`)),
  row('rename-over', ['', 'EROFS', '', 'EPERM'], ({ path, beside }) => rename(path, beside)),
  row('exchange', ['', 'EROFS', 'EINVAL', 'EPERM'], ({ path, beside }) => python(EXCHANGE, path, beside)),
  row('delete', ['', 'EROFS', '', 'EPERM'], ({ path }) => unlink(path)),
  row('times', ['', 'EROFS', '', 'EPERM'], ({ path }) => utimes(path, YEAR, YEAR)),
  row('mode', ['', 'EROFS', '', 'EPERM'], ({ path }) => chmod(path, 0o600)),
  row('set-xattr', ['', 'EROFS', '', 'EPERM'], ({ path }) => python('os.setxattr(a, "user.colour", b"red")', path)),
  row('move-away', ['EXDEV', 'EXDEV', 'EXDEV', 'EXDEV'], ({ path, away }) => rename(path, away)),
  row('copy-out', ['', '', '', 'EACCES'], ({ path, out }) => python(COPY, path, out)),
];

//                     /        /Backup  device   in /Sync  in a set  settling  sealed
const FOLDERS: readonly Row[] = [
  row('d-list', ['', '', '', '', '', '', ''], ({ path }) => readdir(path)),
  row('d-stat', ['', '', '', '', '', '', ''], ({ path }) => stat(path)),
  row('d-add', ['EROFS', 'EROFS', 'EROFS', '', 'EROFS', '', ''], ({ path }) => writeFile(join(path, 'new'), 'new')),
  row('d-mkdir', ['EROFS', 'EROFS', 'EROFS', '', 'EROFS', '', ''], ({ path }) => mkdir(join(path, 'folder'))),
  row('d-rename', ['EROFS', 'EROFS', 'EROFS', '', 'EROFS', '', 'EPERM'], ({ path }) => rename(path, `${path}.moved`)),
  row('d-delete', ['EROFS', 'EROFS', 'EROFS', '', 'EROFS', '', 'EPERM'], ({ path }) => removeWithOne(path)),
  row('d-times', ['EROFS', 'EROFS', 'EROFS', '', 'EROFS', '', 'EPERM'], ({ path }) => utimes(path, YEAR, YEAR)),
  row('d-mode', ['EROFS', 'EROFS', 'EROFS', '', 'EROFS', '', 'EPERM'], ({ path }) => chmod(path, 0o700)),
  row('d-move-away', ['EXDEV', 'EXDEV', 'EXDEV', 'EXDEV', 'EXDEV', 'EXDEV', 'EXDEV'], ({ path, away }) =>
    rename(path, away),
  ),
];

const EXCHANGE = `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.renameat2(-100, a.encode(), -100, b.encode(), 2): raise OSError(ctypes.get_errno(), 'renameat2')`;
const COPY = `
i = os.open(a, os.O_RDONLY); o = os.open(b, os.O_WRONLY | os.O_CREAT, 0o644)
assert os.copy_file_range(i, o, 100) == ${OLD.length}
os.close(o)`;

function row(does: string, expect: readonly string[], run: Row['run']): Row {
  return { does, expect, run };
}

async function writeAt(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.write(Buffer.from('xx'), 0, 2, position);
  } finally {
    await file.close();
  }
}

async function removeWithOne(path: string): Promise<void> {
  await unlink(join(path, 'inner')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rmdir(path);
}

/** Operations for which Node has no call, in Python; `a` and `b` are the arguments. */
async function python(script: string, ...args: string[]): Promise<void> {
  const body = `import errno, os, sys\n_, a, b = (sys.argv + [''])[:3]\ntry:\n${indent(script)}\nexcept OSError as e: sys.exit(errno.errorcode[e.errno])`;
  const { code, errors } = await tryCommand('python3', ['-c', body, ...args]);
  if (code !== 0) throw Object.assign(new Error(errors), { code: errors.trim() });
}

function indent(script: string): string {
  return script
    .trim()
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

/** A place in which rows are tried: the folder, and the name in it if that is not the row's own. */
interface Column {
  readonly called: string;
  readonly here: string;
  readonly target?: string;
}

t.setTimeout(500_000);

t.test('the operations that each folder permits to programs', { skip: withoutFuse() }, async (t) => {
  // Nothing is sealed by time here, only by `flush`.
  const { fjord, dir } = await startMounted(t, { args: ['--xattr'], env: { FJORD_ARCHIVE_SETTLE: '10 min' } });
  const set = await backUp(t, fjord, dir);
  await fill(join(dir, 'Sync/work'));
  await fill(join(dir, 'Archive/sealed'));
  for (const folder of ['Sync/out', 'Archive/out']) await mkdir(join(dir, folder));
  t.equal((await fjord.cli('flush')).code, 0);
  await fill(join(dir, 'Archive/fresh'));

  const device = join(set, '..');
  const spaces: Column[] = [
    { called: 'sync', here: join(dir, 'Sync/work') },
    { called: 'set', here: set },
    { called: 'settling', here: join(dir, 'Archive/fresh') },
    { called: 'sealed', here: join(dir, 'Archive/sealed') },
  ];
  const branches: Column[] = [
    { called: 'root', here: dir, target: 'Backup' },
    { called: 'backup', here: join(dir, 'Backup'), target: device.slice(device.lastIndexOf('/') + 1) },
    { called: 'device', here: device, target: 'papers' },
  ];
  for (const [i, column] of spaces.entries()) {
    await t.test(`files: ${column.called}`, (t) => compare(t, dir, FILES, i, column));
    await t.test(`folders: ${column.called}`, (t) => compare(t, dir, FOLDERS, i + 3, column));
  }
  for (const column of branches) await t.test(`folders: ${column.called}`, (t) => compare(t, dir, FOLDERS, 0, column));

  await t.test('a settling file may be renamed over a sealed one', async (t) => {
    const victim = join(dir, 'Archive/sealed/victim');
    await writeFile(`${victim}.part`, 'a newer one');
    await rename(`${victim}.part`, victim);
    t.equal((await fjord.cli('flush')).code, 0);
    t.equal((await fjord.cli('cat', '/Archive/sealed/victim')).stdout, 'a newer one');
    const versions = JSON.parse((await fjord.cli('versions', '--json', '/Archive/sealed/victim')).stdout) as unknown[];
    t.equal(versions.length, 2);
  });

  await t.test('equal content in a sealed file changes nothing', async (t) => {
    const { stdout } = await fjord.cli('versions', '--json', '/Archive/sealed/replace-equal');
    t.equal((JSON.parse(stdout) as unknown[]).length, 1, stdout);
  });

  await t.test('refused operations have changed nothing', async (t) => {
    for (const { does } of FILES) t.equal(await readFile(join(set, does), 'utf8'), OLD, `${does}, in a set`);
    for (const { does, expect } of FILES.filter(({ expect }) => expect[3] === 'EPERM' || expect[3] === 'EXDEV')) {
      t.equal((await fjord.cli('cat', `/Archive/sealed/${does}`)).stdout, OLD, `${does}, sealed, ${expect[3]}`);
    }
  });

  await t.test('older versions can be read in the hidden folder', async (t) => {
    const file = join(dir, 'Sync/letter');
    for (const text of ['first', 'second']) {
      await writeFile(file, text);
      t.equal((await fjord.cli('flush')).code, 0);
    }
    t.notOk((await readdir(join(dir, 'Sync'))).includes('.versions'));
    const kept = join(dir, 'Sync/.versions/letter');
    const [older] = (await readdir(kept)).toSorted();
    t.equal(await readFile(join(kept, older ?? ''), 'utf8'), 'first');
    await t.rejects(rm(join(kept, older ?? '')), { code: 'EROFS' });
    t.equal(await runCommand('cp', [join(kept, older ?? ''), `${file}.old`]), '');
    t.equal(await readFile(`${file}.old`, 'utf8'), 'first');
  });
});

async function compare(
  t: Test,
  dir: string,
  rows: readonly Row[],
  index: number,
  { called, here, target }: Column,
): Promise<void> {
  const other = here.startsWith(join(dir, 'Sync')) ? 'Archive/out' : 'Sync/out';
  for (const { does, run, expect } of rows) {
    const path = join(here, target ?? does);
    const place = {
      path,
      beside: join(here, 'victim'),
      away: join(dir, other, `${does}.${called}`),
      out: join(dir, 'Sync/out', `${does}.${called}.copy`),
    };
    const got = await run(place).then(
      () => '',
      (error: NodeJS.ErrnoException) => error.code ?? String(error),
    );
    t.equal(got, expect[index], `${does}, ${called}`);
  }
}

/** Creates a file and a folder with a file for every row. */
async function fill(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of [...FILES.map(({ does }) => does), 'victim']) await writeFile(join(folder, name), OLD);
  for (const { does } of FOLDERS) {
    await mkdir(join(folder, does));
    await writeFile(join(folder, does, 'inner'), OLD);
  }
}

/** Backs up the same files. Resolves to the set's folder in the mount. */
async function backUp(t: Test, fjord: Fjord, dir: string): Promise<string> {
  const source = t.testdir();
  await fill(source);
  t.equal((await fjord.cli('backup', 'add', source, '--name', 'papers')).code, 0);
  t.equal((await fjord.cli('backup', 'run', 'papers')).code, 0);
  const [device = ''] = await readdir(join(dir, 'Backup'));
  return join(dir, 'Backup', device, 'papers');
}
