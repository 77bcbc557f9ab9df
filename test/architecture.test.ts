import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import t from 'tap';

const src = join(import.meta.dirname, '../src');

/** Room → rooms it may import. `cloud` is the client; the service is a room of its own that shares the wire types. */
const table: Record<string, readonly string[]> = {
  vfs: [],
  cache: ['vfs'],
  fuse: ['vfs'],
  webdav: ['vfs'],
  cloud: ['vfs'],
  'cloud/server': ['vfs', 'cloud/wire'],
  mounts: ['vfs', 'cache', 'cloud', 'cloud/wire', 'fuse', 'webdav'],
  agent: ['vfs', 'cache', 'cloud', 'cloud/wire', 'mounts'],
  cli: ['agent', 'cloud/server'],
  web: ['agent', 'cloud/server'],
};

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replaceAll('\\', '/'));

function room(file: string): string {
  if (file === 'cloud/http/wire.ts') return 'cloud/wire';
  return file.startsWith('cloud/server/') ? 'cloud/server' : (file.split('/')[0] ?? '');
}

function imports(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*(?:new URL\()?'(\.{1,2}\/[^']+)'/g);
  return [...found].map(([, path]) => relative(src, join(src, dirname(file), path ?? '')).replaceAll('\\', '/'));
}

t.test('every import follows the table of rooms', async (t) => {
  t.ok(files.length > 5, 'sources were found');
  for (const file of files) {
    const from = room(file);
    for (const target of imports(file)) {
      const to = room(target);
      const allowed = to === from || (table[from] ?? []).includes(to) || (from === 'cloud' && to === 'cloud/wire');
      if (!allowed) t.fail(`${file} (${from}) imports ${target} (${to})`);
    }
  }
});

/** The rooms inside `mounts`; what lies beside them puts them together and may import any. */
const mounts: Record<string, readonly string[]> = {
  policies: [],
  drive: ['policies'],
  versions: ['drive'],
  sync: ['drive', 'policies'],
  recovery: ['drive', 'policies', 'sync'],
  follow: ['drive', 'sync'],
  upload: ['drive', 'sync'],
};

t.test('so does every import between the rooms of mounts', async (t) => {
  const inside = files.filter((file) => /^mounts\/.+\//.test(file));
  t.ok(inside.length > 40, 'sources were found');
  for (const file of inside) {
    const [, from = ''] = file.split('/');
    for (const target of imports(file).filter((one) => one.startsWith('mounts/'))) {
      const [, to = ''] = target.split('/');
      if (to !== from && !(mounts[from] ?? []).includes(to)) t.fail(`${file} (${from}) imports ${target} (${to})`);
    }
  }
});

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
