import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError, keys, loadConfig, SETTINGS, variable } from '../../src/daemon/config.ts';

const dir = mkdtempSync(join(tmpdir(), 'fjord-config-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(dir, 'config.toml');
  writeFileSync(path, text);
  return path;
}

function message(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing was thrown';
}

t.test('without a file and variables every setting has its default', async (t) => {
  const config = loadConfig({ file: file(''), env: {} });
  for (const key of keys()) t.equal(config[key], SETTINGS[key].default, key);
  t.ok(Object.isFrozen(config));
});

t.test('flags override variables, variables override the file, and the file overrides defaults', async (t) => {
  const path = file('device.name = "box"\n[cache]\nsize = "5 GB"\nmin_free = "2 GiB"\n[webdav]\nport = 1\n');
  const config = loadConfig({
    file: path,
    env: { FJORD_CACHE_SIZE: '6 GB', FJORD_WEBDAV_PORT: '2' },
    flags: { 'webdav.port': 3 },
  });
  t.equal(config['device.name'], 'box');
  t.equal(config['cache.min_free'], 2 * 1024 ** 3);
  t.equal(config['cache.size'], 6e9);
  t.equal(config['webdav.port'], 3);
});

t.test('values are accepted in all usual forms', async (t) => {
  const cases: [line: string, key: 'cache.size' | 'archive.settle' | 'archive.readable', value: unknown][] = [
    ['cache.size = 1000', 'cache.size', 1000],
    ['cache.size = "1.5 KiB"', 'cache.size', 1536],
    ['cache.size = "10gb"', 'cache.size', 10e9],
    ['archive.settle = 10', 'archive.settle', 10_000],
    ['archive.settle = "250 ms"', 'archive.settle', 250],
    ['archive.settle = "1.5 min"', 'archive.settle', 90_000],
    ['archive.readable = true', 'archive.readable', true],
  ];
  for (const [line, key, value] of cases) t.equal(loadConfig({ file: file(line), env: {} })[key], value, line);
});

t.test('the shown value of every setting can be read again', async (t) => {
  const lines = keys().map((key) => `${key} = ${SETTINGS[key].show(SETTINGS[key].default as never)}`);
  const config = loadConfig({ file: file(lines.join('\n')), env: {} });
  for (const key of keys()) t.equal(config[key], SETTINGS[key].default, key);
});

t.test('mistakes in the file are refused with a message that says what to write instead', async (t) => {
  const cases: [text: string, ...says: RegExp[]][] = [
    ['cash.size = 1', /no setting "cash"/, /did you mean "cache\.size"\?|did you mean/],
    ['[cache]\nsiez = 1', /no setting "cache\.siez"/, /did you mean "cache\.size"\?/],
    ['[webdav]\nprot = 4', /did you mean "webdav\.port"\?/],
    ['[cache.size]\nbig = 1', /cache\.size: .* is not a size/],
    ['cache = 5', /no setting "cache"/],
    ['cache.size = "much"', /cache\.size: "much" is not a size such as/],
    ['cache.size = -1', /is not a size/],
    ['cache.size = "1 furlong"', /is not a size/],
    ['archive.settle = "1 fortnight"', /is not a time such as/],
    ['webdav.port = 65536', /65536 is not a whole number from 0 to 65535/],
    ['webdav.port = 1.5', /is not a whole number/],
    ['webdav.engine = "apache"', /"apache" is not "fjord" or "webdav-server"/],
    ['archive.readable = "maybe"', /"maybe" is not true or false/],
    ['durability = "fsync"', /"fsync" is not "process" or "power"/],
    ['webdav.host = 1979-05-27T07:32:00Z', /is not text/],
    ['[cache\nsize = 1', /line 1/],
    ['a = 1\na = 2', /line 2/],
  ];
  for (const [text, ...says] of cases) {
    const said = message(() => loadConfig({ file: file(text), env: {} }));
    for (const pattern of says) t.match(said, pattern, text);
    t.notMatch(said, /\n/, 'one line');
  }
});

t.test('a named file must exist', async (t) => {
  t.match(
    message(() => loadConfig({ file: join(dir, 'none.toml'), env: {} })),
    /none\.toml: there is no such settings file/,
  );
  t.match(
    message(() => loadConfig({ env: { FJORD_CONFIG: dir } })),
    /cannot be read/,
  );
});

t.test("a misspelt variable is refused, other programs' variables are ignored", async (t) => {
  const path = file('');
  t.match(
    message(() => loadConfig({ file: path, env: { FJORD_CACHE_SIZ: '1' } })),
    /FJORD_CACHE_SIZ: there is no such setting; did you mean FJORD_CACHE_SIZE\?/,
  );
  t.match(
    message(() => loadConfig({ file: path, env: { FJORD_WEBDAV_PORT: 'many' } })),
    /^FJORD_WEBDAV_PORT: "many" is not a whole number/,
  );
  t.equal(loadConfig({ file: path, env: { FJORD_SOMETHING_ELSE: '1' } })['cache.size'], SETTINGS['cache.size'].default);
  t.equal(loadConfig({ file: path, env: { FJORD_WEBDAV_HOST: '' } })['webdav.host'], '127.0.0.1', 'as if not set');
});

t.test('every variable names one setting', async (t) => {
  t.equal(new Set(keys().map(variable)).size, keys().length);
});
