import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import envPaths from 'env-paths';
import { closest, distance } from 'fastest-levenshtein';
import { parse, TomlError } from 'smol-toml';
import { bytes, choice, duration, flag, limit, text, whole, type Setting } from './setting.ts';

/** The platform's folders for settings and data. */
const platform = envPaths('fjord', { suffix: '' });

/** Every setting: its key as `section.name` in the file, its kind and default, and one line of help. */
export const SETTINGS = {
  'data.dir': text(platform.data, 'folder for everything that Fjord stores on this computer'),
  'cloud.url': text('', 'address of the cloud; empty: the one given to `fjord login`'),
  'cloud.connections': whole(
    16,
    [4, 64],
    'most connections to the cloud at a time, and as many again for large downloads',
  ),
  'cloud.verify_rate': bytes(
    '4 MiB',
    'bytes per second that an embedded or served cloud reads to verify its stored content in the background, once a week; 0: none',
  ),
  'backup.parallel': whole(4, [1, 32], 'most backup sets that run at the same time; others wait for their turn'),
  'backup.on_battery': choice(
    ['run', 'pause'],
    'run',
    'what backups do while the computer runs on battery; `fjord backup run` runs them anyway',
  ),
  'backup.on_metered': choice(
    ['pause', 'run'],
    'pause',
    'what backups do while NetworkManager says that the network is metered; `fjord backup run` runs them anyway',
  ),
  'backup.on_failure': text(
    '',
    'what is done when a backup fails: a command for the shell, or the http(s) URL of a webhook; `fjord backup edit` sets one for a set',
  ),
  'backup.priority': choice(
    ['low', 'normal'],
    'low',
    'whether reading and hashing the folders of backups gives way to other programs for CPU and disk (Linux)',
  ),
  'limit.up': limit(
    'off',
    'most bytes per second sent to the cloud, by time of day if wanted; `fjord limit` overrides it',
  ),
  'limit.down': limit('off', 'most bytes per second received from the cloud; `fjord limit` overrides it'),
  'device.name': text('', "this computer's name in the account; empty: its host name"),
  'cache.dir': text(
    '',
    'folder for cached content, files waiting for their upload, and their database; empty: inside the data folder',
  ),
  'cache.size': bytes('20 GiB', 'largest size of the cached content'),
  'cache.min_free': bytes('1 GiB', 'space that the cache leaves free on its disk'),
  durability: choice(
    ['process', 'power'],
    'process',
    'what an acknowledged change survives: a crash of the process, or also a power loss; then each change waits for the disk',
  ),
  'sync.verify_every': duration(
    '6 h',
    'how often the drive is proven to be what the cloud has, and repaired if it is not; 0: only by `fjord verify`',
  ),
  'archive.settle': duration('10 s', 'how long a file in /Archive must be closed and unlocked before it is sealed'),
  'archive.readable': flag(false, 'whether sealed files in /Archive can be read through the drive'),
  'webdav.host': text('127.0.0.1', 'address that the WebDAV server listens on; addresses other than loopback need TLS'),
  'webdav.port': whole(4918, [0, 65_535], 'port of the WebDAV server; 0: any free port, which is then kept'),
  'webdav.engine': choice(['fjord', 'webdav-server'], 'fjord', 'which WebDAV server to use'),
  'webdav.user': text('fjord', 'user name for the WebDAV server'),
  'webdav.quota': choice(
    ['auto', 'named', 'never'],
    'auto',
    'when quota is reported to clients; "named": if requested; "auto": the same, except to macOS 15.4 and later, which stalls',
  ),
  'webdav.names': text('', 'further host names by which clients reach the WebDAV server, separated by commas'),
  'webdav.tls_cert': text('', 'certificate file (PEM) of the WebDAV server'),
  'webdav.tls_key': text('', 'private key file (PEM) of the WebDAV server'),
  'fuse.mount': text(
    'auto',
    'folder to mount the drive on; "auto": ~/Fjord, or mount/ in the data folder if that is not the default one; empty: none',
  ),
  'fuse.driver': choice(
    ['kernel', 'native'],
    process.platform === 'darwin' ? 'native' : 'kernel',
    "FUSE driver: Fjord's own for Linux (kernel), or the package fuse-native (native)",
  ),
  'fuse.passthrough': flag(true, 'whether the kernel may read and write cached files directly, where it supports that'),
  'fuse.xattr': flag(false, 'whether the mount supports extended attributes, which makes `ls -l` slower'),
  'fuse.allow_other': flag(false, 'whether other users of this computer can access the mount'),
  'log.level': choice(['error', 'warn', 'info', 'debug'], 'info', 'how much is written to the log'),
} as const satisfies Readonly<Record<string, Setting<unknown>>>;

export type SettingKey = keyof typeof SETTINGS;

/** The value of every setting, frozen. Only the outermost code uses it; constructors get individual values. */
export type Config = { readonly [K in SettingKey]: (typeof SETTINGS)[K] extends Setting<infer T> ? T : never };

export interface ConfigSources {
  /** The settings file, which must exist. Absent: the one in the platform's folder, if it exists. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values from the command line, which override all others. */
  readonly flags?: Partial<Config> | undefined;
}

/** An invalid settings file or variable. The message names it and says what is wrong and what to write. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The data folder if none is named. */
export const defaultDataDir = platform.data;

/** The settings file if none is named. */
export const defaultConfigFile = join(platform.config, 'config.toml');

/**
 * Reads the settings: the file overrides defaults, `FJORD_…` variables override the file, and flags override those.
 * @throws ConfigError
 */
export function loadConfig({ file, env, flags = {} }: ConfigSources): Config {
  const named = file ?? env['FJORD_CONFIG'];
  const values = new Map<string, unknown>(keys().map((key) => [key, SETTINGS[key].default]));
  for (const [key, value] of fromFile(named ?? defaultConfigFile, named !== undefined)) values.set(key, value);
  for (const [key, value] of fromEnv(env)) values.set(key, value);
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) values.set(key, value);
  return Object.freeze(Object.fromEntries(values)) as Config;
}

export function keys(): SettingKey[] {
  return Object.keys(SETTINGS) as SettingKey[];
}

/** The environment variable for a key: `cache.min_free` → `FJORD_CACHE_MIN_FREE`. */
export function variable(key: SettingKey): string {
  return `FJORD_${key.replaceAll('.', '_').toUpperCase()}`;
}

function fromFile(file: string, needed: boolean): [SettingKey, unknown][] {
  const document = readToml(file, needed);
  return [...leaves(document, '')].map(([key, raw]) => {
    const known = keys().find((one) => one === key);
    if (known === undefined) throw new ConfigError(`${file}: ${unknown(key)}`);
    return [known, readValue(known, raw, `${file}: ${key}`)];
  });
}

function readToml(file: string, needed: boolean): Readonly<Record<string, unknown>> {
  try {
    return parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && !needed) return {};
    if (error instanceof TomlError) throw new ConfigError(`${file}, line ${error.line}: ${firstLine(error.message)}`);
    throw new ConfigError(
      `${file}: ${missing ? 'there is no such settings file' : 'the settings file cannot be read; check its permissions'}`,
    );
  }
}

function* leaves(table: Readonly<Record<string, unknown>>, prefix: string): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(table)) {
    const key = prefix + name;
    if (isTable(value) && isSection(key)) yield* leaves(value, `${key}.`);
    else yield [key, value];
  }
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSection(key: string): boolean {
  return keys().some((known) => known.startsWith(`${key}.`));
}

function fromEnv(env: ConfigSources['env']): [SettingKey, unknown][] {
  const variables = new Map(keys().map((key) => [variable(key), key]));
  return Object.entries(env).flatMap(([name, raw]) => {
    // An empty variable counts as unset, as is usual.
    if (!name.startsWith('FJORD_') || raw === undefined || raw === '') return [];
    const key = variables.get(name);
    if (key !== undefined) return [[key, readValue(key, raw, name)] as [SettingKey, unknown]];
    refuseMisspelt(name, [...variables.keys()]);
    return [];
  });
}

/** Refuses a variable that is nearly a setting's. Other variables with the prefix may belong to other programs. */
function refuseMisspelt(name: string, variables: readonly string[]): void {
  const near = closest(name, variables);
  if (distance(name, near) > 2) return;
  throw new ConfigError(`${name}: there is no such setting; did you mean ${near}?`);
}

function readValue(key: SettingKey, raw: unknown, where: string): unknown {
  const setting: Setting<unknown> = SETTINGS[key];
  const value = setting.read(raw);
  if (value !== undefined) return value;
  const shown = JSON.stringify(raw).slice(0, 60);
  throw new ConfigError(`${where}: ${shown} is not ${setting.expects}`);
}

function unknown(key: string): string {
  const near = closest(key, keys());
  return `there is no setting ${JSON.stringify(key)}; did you mean ${JSON.stringify(near)}? \`fjord config\` lists all`;
}

function firstLine(message: string): string {
  return message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? message;
}
