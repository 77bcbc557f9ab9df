import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { cli } from '../helpers/gateway-process.ts';
import { EXITS } from '../../src/cli/exit.ts';

t.setTimeout(500_000);

const dir = mkdtempSync(join(tmpdir(), 'fjord-usage-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
const env = { FJORD_DATA_DIR: join(dir, 'data') };

t.test('a mistake gets one line that says what to do, and the right exit code', { timeout: 300_000 }, async (t) => {
  const cases: [args: string[], code: number, says: RegExp][] = [
    [['frobnicate'], 2, /^fjord: unknown command 'frobnicate'; see `fjord --help`\n$/],
    [['stauts'], 2, /Did you mean status\?/],
    [['ls', '--lnog'], 2, /Did you mean --long\?/],
    [['get'], 2, /missing required argument/],
    [['put', 'a'], 2, /the target is missing/],
    [['up', '--port', '70000'], 2, /whole number from 0 to 65535/],
    [['up', '--webdav-engine', 'apache'], 2, /"fjord" or "webdav-server"/],
    [['up', '--fuse-driver', 'fuse2'], 2, /"kernel" or "native"/],
    [['start', '--no-fuse', '--mount', '/mnt'], 2, /'--no-fuse' cannot be used with option '--mount/],
    [['completion', 'tcsh'], 2, /Allowed choices are bash, zsh, fish/],
    [['status'], 3, /^fjord: Fjord is not running for .*; start it with `fjord start` or `fjord up`\n$/],
    [['down'], 3, /not running/],
    [['up'], 2, /has no account yet; use `fjord login/],
    [['login', 'me@example.org'], 2, /no cloud is set/],
    [
      ['login', 'me@example.org', '--cloud', 'http://127.0.0.1:9'],
      2,
      /there is no terminal to ask for the password; use --password-file/,
    ],
    [['login', 'me@example.org', '--cloud', 'http://example.org', '--password-file', '-'], 2, /https|plain/i],
    [['status', '--config', join(dir, 'none.toml')], 2, /there is no such settings file/],
  ];
  for (const [args, code, says] of cases) {
    const { stderr, stdout, code: got } = await cli(args, { env, input: 'secret\n' });
    t.equal(got, code, `${args.join(' ')}: ${stderr}`);
    t.match(stderr, says);
    t.match(stderr, /^fjord: [^\n]+\n$/, 'one line');
    t.equal(stdout, '');
  }
});

t.test('a settings file is read, and its mistakes are shown', { timeout: 120_000 }, async (t) => {
  const config = join(dir, 'config.toml');
  writeFileSync(config, '[cache]\nsize = "5 GB"\n');
  const shown = await cli(['config', '--config', config], { env });
  t.match(shown.stdout, /cache\.size = "5000000000 B"/);
  t.match(shown.stdout, /# .*default "20 GiB".*FJORD_CACHE_SIZE/);
  writeFileSync(config, '[cache]\nsiez = "5 GB"\n');
  t.match(await cli(['status', '--config', config], { env }), { code: 2, stderr: /did you mean "cache\.size"\?/ });
});

t.test('help has descriptions and examples', async (t) => {
  const [help, ls, version] = await Promise.all([cli(['--help']), cli(['help', 'ls']), cli(['--version'])]);
  t.equal(help.code, 0);
  for (const [code, meaning] of EXITS) t.match(help.stdout, `${code}  ${meaning}`);
  t.match(help.stdout, /First steps:/);
  t.match(ls.stdout, /Examples:\n {2}fjord ls -l \/Sync/);
  t.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

t.test('every exit code is in the manual', async (t) => {
  const manual = readFileSync(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');
  for (const [code, meaning] of EXITS) t.match(manual, `| ${code} | ${meaning} |`);
});

t.test('completion scripts are valid in their shells and contain the commands', { timeout: 120_000 }, async (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await cli(['completion', shell]);
    t.equal(code, 0);
    for (const word of ['backup', 'add', 'webdav-engine', 'flush']) t.match(stdout, word, `${shell} ${word}`);
    const check = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
    if (check.error !== undefined) t.comment(`${shell} is not installed`);
    else t.equal(check.status, 0, check.stderr);
  }
  const { stdout } = await cli(['completion', 'bash']);
  const complete = (...words: string[]): string => {
    const list = words.map((word) => `'${word}'`).join(' ');
    const script = `${stdout}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _fjord; echo "\${COMPREPLY[*]}"`;
    return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim();
  };
  t.equal(complete('fjord', 'ba'), 'backup');
  t.equal(complete('fjord', 'backup', 'r'), 'remove run resume');
  t.equal(complete('fjord', 'up', '--w'), '--webdav-engine');
  t.equal(complete('fjord', 'trash', 'purge', '--a'), '--all');
});
