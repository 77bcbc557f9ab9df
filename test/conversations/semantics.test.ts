import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { type Answer, type Server, type Step, send } from './conversation.ts';

t.setTimeout(500_000);

/**
 * A request; `*` is the name of its target. A status inside a 207 counts for the whole response. Moving to another
 * mount is refused: programs copy and then delete.
 */
interface Row {
  readonly does: string;
  readonly step: Omit<Step, 'status'>;
  /** The expected status for each column. */
  readonly expect: readonly number[];
}

const patch = (property: string): string =>
  `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>${property}</D:prop></D:set></D:propertyupdate>`;
const TIMES = patch(
  '<Win32LastModifiedTime xmlns="urn:schemas-microsoft-com:">Mon, 01 Jan 2024 12:00:00 GMT</Win32LastModifiedTime>',
);
const DEAD = patch('<colour xmlns="urn:x">red</colour>');
const OLD = 'as it was';

//                  in /Sync   in a set   settling   sealed
const FILES: readonly Row[] = [
  row('list', [207, 207, 207, 207], { method: 'PROPFIND', headers: { depth: '0' } }),
  row('head', [200, 200, 200, 200], { method: 'HEAD' }),
  row('read', [200, 200, 200, 403], { method: 'GET' }),
  row('read-part', [206, 206, 206, 403], { method: 'GET', headers: { range: 'bytes=3-5' } }),
  row('create', [201, 403, 201, 201], { method: 'PUT', path: '*.new', body: 'new' }),
  row('create-empty', [201, 403, 201, 201], { method: 'PUT', path: '*.new' }),
  row('replace', [204, 403, 204, 204], { method: 'PUT', body: 'other content' }),
  row('replace-equal', [204, 403, 204, 204], { method: 'PUT', body: OLD }),
  row('replace-chunked', [204, 403, 204, 204], { method: 'PUT', body: 'in chunks', chunked: true }),
  row('part', [400, 400, 400, 400], { method: 'PUT', body: 'xx', headers: { 'content-range': 'bytes 2-3/9' } }),
  row('rename', [201, 403, 201, 403], { method: 'MOVE', headers: { destination: '{here}*.moved' } }),
  row('rename-over', [204, 403, 204, 403], { method: 'MOVE', headers: { destination: '{here}victim' } }),
  row('delete', [204, 403, 204, 403], { method: 'DELETE' }),
  row('times', [200, 403, 200, 403], { method: 'PROPPATCH', body: TIMES }),
  row('property', [200, 403, 200, 403], { method: 'PROPPATCH', body: DEAD }),
  row('move-away', [403, 403, 403, 403], { method: 'MOVE', headers: { destination: '{away}*.{column}' } }),
  row('move-to-archive', [403, 403, 201, 403], { method: 'MOVE', headers: { destination: '/Archive/out/*' } }),
  row('move-to-backup', [403, 403, 403, 403], { method: 'MOVE', headers: { destination: '{set}*.moved' } }),
  row('copy-to-sync', [201, 201, 201, 403], { method: 'COPY', headers: { destination: '/Sync/out/*.{column}' } }),
  row('copy-to-archive', [201, 201, 201, 403], { method: 'COPY', headers: { destination: '/Archive/out/*.{column}' } }),
  row('copy-to-backup', [403, 403, 403, 403], { method: 'COPY', headers: { destination: '{set}*.copy' } }),
  row('copy-inside', [201, 403, 201, 403], { method: 'COPY', headers: { destination: '{here}*.copy' } }),
];

//                  /    /Backup  device   in /Sync  in a set  settling  sealed
const FOLDERS: readonly Row[] = [
  row('d-list', [207, 207, 207, 207, 207, 207, 207], { method: 'PROPFIND', headers: { depth: '1' } }),
  row('d-add-file', [403, 403, 403, 201, 403, 201, 201], { method: 'PUT', path: '{inside}new', body: 'new' }),
  row('d-add-folder', [403, 403, 403, 201, 403, 201, 201], { method: 'MKCOL', path: '{inside}new' }),
  row('d-put-on', [405, 405, 405, 405, 405, 405, 405], { method: 'PUT', body: 'a file' }),
  row('d-rename', [403, 403, 403, 201, 403, 201, 403], { method: 'MOVE', headers: { destination: '{here}*.moved' } }),
  row('d-delete', [403, 403, 403, 204, 403, 204, 403], { method: 'DELETE' }),
  row('d-times', [403, 403, 403, 200, 403, 200, 403], { method: 'PROPPATCH', body: TIMES }),
  row('d-property', [403, 403, 403, 200, 403, 200, 403], { method: 'PROPPATCH', body: DEAD }),
  row('d-move-away', [403, 403, 403, 403, 403, 403, 403], {
    method: 'MOVE',
    headers: { destination: '{away}*.{column}' },
  }),
  // The files in a sealed folder stay: a 403 for each of them.
  row('d-copy-out', [201, 201, 201, 201, 201, 201, 403], {
    method: 'COPY',
    headers: { destination: '/Sync/out/*.{column}' },
  }),
];

function row(does: string, expect: readonly number[], step: Partial<Step> & { readonly method: string }): Row {
  return { does, expect, step: { path: '*', ...step } };
}

/** A place in which rows are tried: the folder, and the value of `*` if it is not the row's own name. */
interface Column {
  readonly called: string;
  readonly here: string;
  readonly target?: string;
}

t.test('the operations that each folder permits to clients', async (t) => {
  // Nothing is sealed by time here, only by `flush`.
  const fjord = await startFjord(t, { env: { FJORD_ARCHIVE_SETTLE: '10 min' } });
  const server = serverOf(fjord);
  const set = await backUp(t, fjord, server);
  await fill(t, server, 'Sync/work/', FILES, FOLDERS);
  await fill(t, server, 'Archive/sealed/', FILES, FOLDERS);
  for (const folder of ['Sync/out/', 'Archive/out/']) await must(t, server, { method: 'MKCOL', path: `/${folder}` });
  await flush(t, fjord);
  await fill(t, server, 'Archive/fresh/', FILES, FOLDERS);

  const spaces: Column[] = [
    { called: 'sync', here: '/Sync/work/' },
    { called: 'set', here: set },
    { called: 'settling', here: '/Archive/fresh/' },
    { called: 'sealed', here: '/Archive/sealed/' },
  ];
  const device = set.split('/')[2] ?? '';
  const branches: Column[] = [
    { called: 'root', here: '/', target: 'Backup' },
    { called: 'root-sync', here: '/', target: 'Sync' },
    { called: 'backup', here: '/Backup/', target: device },
    { called: 'device', here: `/Backup/${device}/`, target: 'papers' },
  ];
  const places = { set };
  for (const [i, column] of spaces.entries()) {
    await t.test(`files: ${column.called}`, (t) => compare(t, server, FILES, i, column, places));
    await t.test(`folders: ${column.called}`, (t) => compare(t, server, FOLDERS, i + 3, column, places));
  }
  for (const column of branches) {
    // Adding to /Sync is decided by the policy of /Sync, although the folder itself belongs to the root.
    const rows = column.called === 'root-sync' ? FOLDERS.filter(({ does }) => !/add|copy/.test(does)) : FOLDERS;
    await t.test(`folders: ${column.called}`, (t) => compare(t, server, rows, 0, column, places));
  }

  await t.test('a settling file may be renamed over a sealed one', async (t) => {
    await must(t, server, { method: 'PUT', path: '/Archive/sealed/incoming.part', body: 'a newer one' });
    const headers = { destination: '/Archive/sealed/victim' };
    await must(t, server, { method: 'MOVE', path: '/Archive/sealed/incoming.part', headers });
    await flush(t, fjord);
    t.equal((await fjord.cli('cat', '/Archive/sealed/victim')).stdout, 'a newer one');
  });

  await t.test('a refused MOVE to another mount has left no copy, and the source in place', async (t) => {
    const headers = { depth: '1' };
    for (const mount of ['/Sync/', '/Archive/']) {
      const { text } = await must(t, server, { method: 'PROPFIND', path: mount, headers });
      t.notMatch(text, /move-away/, mount);
    }
    for (const column of spaces) {
      const path = `${column.here}d-move-away/inner`;
      t.equal((await send(server, '', { method: 'HEAD', path, status: 200 })).status, 200, path);
    }
  });

  await t.test('equal content in a sealed file changes nothing', async (t) => {
    const versions = await fjord.cli('versions', '--json', '/Archive/sealed/replace-equal');
    t.equal((JSON.parse(versions.stdout) as unknown[]).length, 1, versions.stdout);
  });

  await t.test('refused operations have changed nothing', async (t) => {
    const read = async (path: string) => (await send(server, '', { method: 'GET', path, status: 200 })).text;
    for (const { does, step } of FILES) {
      t.equal(await read(`${set}${does}`), OLD, `${step.method} ${does} in a set`);
    }
    for (const does of [
      'rename',
      'delete',
      'times',
      'property',
      'part',
      'move-away',
      'move-to-archive',
      'move-to-backup',
    ]) {
      t.equal((await fjord.cli('cat', `/Archive/sealed/${does}`)).stdout, OLD, `${does}, sealed`);
    }
  });
});

const readable: Record<string, (dir: string) => Record<string, string>> = {
  'by a variable': () => ({ FJORD_ARCHIVE_READABLE: 'true' }),
  'by the settings file': (dir) => {
    writeFileSync(join(dir, 'config.toml'), '[archive]\nreadable = true\n');
    return { FJORD_CONFIG: join(dir, 'config.toml') };
  },
};
for (const [how, env] of Object.entries(readable)) {
  t.test(`an Archive made readable ${how}`, async (t) => {
    const fjord = await startFjord(t, { env: env(t.testdir()) });
    const server = serverOf(fjord);
    await must(t, server, { method: 'PUT', path: '/Archive/will', body: OLD });
    await flush(t, fjord);
    const ask = (step: Partial<Step>) => send(server, '', { method: 'GET', path: '/Archive/will', status: 0, ...step });
    t.match(await ask({}), { status: 200, text: OLD });
    t.match(await ask({ headers: { range: 'bytes=3-5' } }), { status: 206, text: OLD.slice(3, 6) });
    t.equal((await ask({ method: 'COPY', headers: { destination: '/Sync/will' } })).status, 201);
    t.equal((await ask({ method: 'DELETE' })).status, 403, 'it still keeps its files');
    t.equal((await ask({ path: '/Sync/will' })).text, OLD);
  });
}

async function compare(
  t: Test,
  server: Server,
  rows: readonly Row[],
  index: number,
  { called, here, target }: Column,
  places: { readonly set: string },
): Promise<void> {
  const away = (here + (target ?? '')).startsWith('/Sync') ? '/Archive/' : '/Sync/';
  for (const { does, step, expect } of rows) {
    const name = target ?? does;
    const known: Record<string, string> = { here, away, column: called, inside: `*/`, ...places };
    const fill = (text: string): string =>
      text.replaceAll(/\{(\w+)\}/g, (_, key: string) => known[key] ?? '').replaceAll('*', name);
    const headers = Object.fromEntries(Object.entries(step.headers ?? {}).map(([key, value]) => [key, fill(value)]));
    const answer = await send(server, '', { ...step, path: here + fill(step.path), headers, status: 0 });
    const status = statusIn(answer, step.method);
    t.equal(status, expect[index], `${does}: ${step.method} ${here}${fill(step.path)}: ${answer.text.slice(0, 300)}`);
    if (status === 403 && step.method !== 'HEAD') t.match(words(answer), RULES, `${does}: says the rule`);
  }
}

/** A message that names one of the drive's rules. */
const RULES =
  /is part of the drive|top of the drive cannot|backup is read-only|Archive keeps|fjord get|different mounts/i;

function words({ text }: Answer): string {
  return text.replaceAll(/<[^>]*>/g, ' ');
}

function statusIn({ status, text }: Answer, method: string): number {
  if (status !== 207 || method === 'PROPFIND') return status;
  return Number(/HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? status);
}

/** Creates a file and a folder with a file for every row. */
async function fill(t: Test, server: Server, folder: string, files: readonly Row[], folders: readonly Row[]) {
  await must(t, server, { method: 'MKCOL', path: `/${folder}` });
  for (const name of [...files.map(({ does }) => does), 'victim']) {
    await must(t, server, { method: 'PUT', path: `/${folder}${name}`, body: OLD });
  }
  for (const { does } of folders) {
    await must(t, server, { method: 'MKCOL', path: `/${folder}${does}` });
    await must(t, server, { method: 'PUT', path: `/${folder}${does}/inner`, body: OLD });
  }
}

/** Backs up the same files. Resolves to the set's path. */
async function backUp(t: Test, fjord: Fjord, server: Server): Promise<string> {
  const source = t.testdir();
  for (const { does } of FILES) writeFileSync(join(source, does), OLD);
  for (const { does } of FOLDERS) {
    mkdirSync(join(source, does));
    writeFileSync(join(source, does, 'inner'), OLD);
  }
  t.equal((await fjord.cli('backup', 'add', source, '--name', 'papers')).code, 0);
  t.equal((await fjord.cli('backup', 'run', 'papers')).code, 0);
  const { text } = await must(t, server, { method: 'PROPFIND', path: '/Backup/', headers: { depth: '1' } });
  return `/Backup/${/\/Backup\/([^/<]+)\//.exec(text)?.[1] ?? 'no device'}/papers/`;
}

async function must(t: Test, server: Server, step: Omit<Step, 'status'>): Promise<Answer> {
  const answer = await send(server, '', { ...step, status: 0 });
  if (answer.status >= 300) t.fail(`${step.method} ${step.path}: ${answer.status} ${answer.text}`);
  return answer;
}

async function flush(t: Test, fjord: Fjord): Promise<void> {
  const { code, stderr } = await fjord.cli('flush');
  t.equal(code, 0, stderr);
}

function serverOf({ webdav: { url, user, password } }: Fjord): Server {
  return { url, authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}
