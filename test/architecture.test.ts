import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import t from 'tap';

const src = join(import.meta.dirname, '../src');

/** Room → rooms it may import; a room has all below it, but for what has a line of its own. */
const table: Record<string, readonly string[]> = {
  vfs: [],
  threads: ['vfs'],
  libc: ['vfs'],
  'cache/disk': ['vfs', 'threads', 'libc'],
  'cache/db': ['vfs', 'cache/disk'],
  'cache/tree': ['vfs', 'cache/db'],
  'cache/content': ['vfs', 'cache/disk', 'cache/db'],
  'cache/store': ['vfs', 'cache/disk', 'cache/db', 'cache/content'],
  'cache/staging': ['vfs', 'libc', 'cache/disk', 'cache/db', 'cache/content', 'cache/store'],
  fuse: ['vfs', 'libc'],
  webdav: ['vfs'],
  cloud: ['vfs'],
  'cloud/http': ['vfs', 'threads', 'libc', 'cloud', 'cloud/http/wire'],
  'cloud/http/wire': ['vfs', 'cloud'],
  'cloud/server': ['vfs', 'cloud', 'cloud/http/wire'],
  transfer: ['vfs', 'cloud'],
  mounts: ['vfs', 'libc', 'cache', 'cloud', 'transfer', 'fuse', 'webdav'],
  'mounts/doors': ['vfs', 'cache', 'fuse', 'webdav'],
  'mounts/policy': ['vfs', 'cache', 'cloud'],
  'mounts/intents': ['vfs', 'cache'],
  'mounts/drive': ['vfs', 'cache', 'cloud', 'mounts/policy', 'mounts/intents'],
  'mounts/names': ['vfs', 'cache'],
  'mounts/pins': ['vfs', 'cache', 'transfer', 'mounts/drive'],
  'mounts/versions': ['vfs', 'cache', 'cloud', 'mounts/drive'],
  'mounts/sync': ['vfs', 'cache', 'cloud', 'transfer', 'mounts/policy', 'mounts/intents', 'mounts/drive'],
  'mounts/recovery': ['vfs', 'libc', 'cache', 'mounts/policy', 'mounts/intents', 'mounts/drive', 'mounts/sync'],
  watch: ['vfs', 'libc'],
  backup: ['vfs', 'threads', 'libc', 'cache', 'cloud', 'transfer', 'watch', 'backup/restore'],
  'backup/restore': ['vfs', 'libc', 'cloud'],
  'local-folder': ['vfs', 'threads', 'libc', 'cache', 'transfer', 'watch', 'backup', 'backup/restore', 'mounts/policy'],
  daemon: ['vfs', 'watch', 'cache', 'cloud', 'cloud/http', 'mounts', 'backup', 'local-folder'],
  web: ['cloud'],
  'web/status': ['web', 'daemon'],
  cli: ['vfs', 'libc', 'daemon', 'cloud/server', 'backup/restore'],
};

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.m?[jt]sx?$/.test(file))
  .map((file) => file.replaceAll('\\', '/'));

/** The longest line of the table that a file belongs to. */
function room(file: string): string {
  const parts = file.replace(/\.\w+$/, '').split('/');
  for (let length = parts.length; length > 0; length--) {
    const name = parts.slice(0, length).join('/');
    if (name in table) return name;
  }
  return parts[0] ?? '';
}

/** What lies beside the rooms of its own room puts them together, and may import them all. */
function allows(from: string, to: string): boolean {
  const named = (table[from] ?? []).some((one) => to === one || (one !== 'cloud' && to.startsWith(`${one}/`)));
  return to === from || named || (from === 'mounts' && to.startsWith('mounts/'));
}

function imports(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*(?:new URL\()?'(\.{1,2}\/[^']+)'/g);
  return [...found].map(([, path]) => relative(src, join(src, dirname(file), path ?? '')).replaceAll('\\', '/'));
}

t.test('every file has a room', async (t) => {
  t.ok(files.length > 300, 'sources were found');
  t.strictSame(
    files.filter((file) => !(room(file) in table)),
    [],
  );
});

t.test('every import follows the table of rooms', async (t) => {
  for (const file of files) {
    const from = room(file);
    for (const target of imports(file)) {
      const to = room(target);
      if (!allows(from, to)) t.fail(`${file} (${from}) imports ${target} (${to})`);
    }
  }
});

t.test('the web app shares only types with the cloud, which add no code to the bundle', async (t) => {
  const web = files.filter((file) => room(file) === 'web');
  t.ok(web.length > 20);
  const shared = web.flatMap((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    const lines = [...text.matchAll(/^import [^;]*cloud\/[^;]*;/gm)].map(([line]) => line);
    return lines.filter((line) => !/^import type .*cloud\/(records|wire-code)\.ts';$/s.test(line));
  });
  t.same(shared, []);
});

t.test('the status page shares only types with the gateway, and how rates are measured', async (t) => {
  const page = files.filter((file) => room(file) === 'web/status');
  t.ok(page.length > 5);
  const shared = page.flatMap((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    const lines = [...text.matchAll(/^import [^;]*daemon\/[^;]*;/gm)].map(([line]) => line);
    return lines.filter((line) => !line.startsWith('import type ') && !line.endsWith("daemon/control/rates.ts';"));
  });
  t.same(shared, []);
});

t.test('CONTRIBUTING lists the rooms with what they may import', async (t) => {
  const text = readFileSync(join(src, '../CONTRIBUTING.md'), 'utf8');
  const names = (cell = ''): string[] => [...cell.matchAll(/`(?:src\/)?([\w/-]+)`/g)].map(([, name]) => name ?? '');
  const rows = [...text.matchAll(/^\| (`src\/[^|]*) \|[^|]*\| ([^|]*) \|$/gm)];
  t.ok(rows.length > 10);
  const rooms = new Set(rows.flatMap(([, cell]) => names(cell)));
  for (const [, cell, imported] of rows) {
    for (const name of names(cell)) t.strictSame(names(imported).sort(), importsOf(name, rooms), name);
  }
});

/** What a room of CONTRIBUTING may import from others: the lines of the table for it and for rooms in it that have no row. */
function importsOf(name: string, rooms: ReadonlySet<string>): string[] {
  const rowOf = (room: string): string =>
    [...rooms].filter((one) => room === one || room.startsWith(`${one}/`)).sort((a, b) => b.length - a.length)[0] ??
    room;
  const own = Object.entries(table).filter(([room]) => rowOf(room) === name);
  const targets = own.flatMap(([, imports]) => imports.map((one) => (one === 'cloud/http/wire' ? one : rowOf(one))));
  return [...new Set(targets)].filter((one) => rowOf(one) !== name).sort();
}

t.test('no import leads back to where it came from', async (t) => {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) return void t.fail(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    if (done.has(file)) return;
    for (const next of imports(file)) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  t.equal(done.size >= files.length, true);
});

/** Implementations behind a port → the files that may name them. */
const chosenIn: Record<string, readonly string[]> = {
  'cloud/http/http-remote.ts': ['daemon/cloud-session.ts', 'daemon/gateway-process.ts'],
  'cloud/server/blocks/local.ts': ['cloud/server/blocks/open-blocks.ts'],
  'cloud/server/meta/postgres.ts': ['cloud/server/meta/open-meta.ts'],
  'cloud/server/meta/sqlite.ts': ['cloud/server/meta/open-meta.ts'],
};

t.test('an implementation behind a port is named only where it is chosen', async (t) => {
  for (const [implementation, choosers] of Object.entries(chosenIn)) {
    const importers = files.filter((file) => imports(file).includes(implementation));
    t.strictSame(importers, choosers, implementation);
  }
});

t.test('there are no barrels: no file only re-exports', async (t) => {
  for (const file of files) {
    const code = readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    const statements = code
      .split(';')
      .map((statement) => statement.trim())
      .filter(Boolean);
    const barrel = statements.length > 0 && statements.every((statement) => /^export\s.*\sfrom\s/s.test(statement));
    t.notOk(barrel, file);
  }
});
