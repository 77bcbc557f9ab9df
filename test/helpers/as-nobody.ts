import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { withoutFuse } from './fuse-available.ts';
import { program } from './gateway-process.ts';
import { tryCommand, type CommandOutput } from './run-command.ts';

const NOBODY = 65_534;

/** Why programs cannot run as an unprivileged user who may mount; false if they can. */
export async function withoutNobody(): Promise<string | false> {
  const reason = withoutFuse();
  if (reason !== false) return reason;
  const { code } = await tryCommand('bash', ['-c', 'command -v fusermount3 unshare setpriv']);
  return code !== 0 && 'needs fusermount3, unshare and setpriv';
}

/** Runs in a separate mount namespace, where `/dev/fuse` has the mode `$2`. */
const ENTER = `
  mknod -m "$2" "$1/fuse" c 10 229; mount --bind "$1/fuse" /dev/fuse
  exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups bash -euo pipefail -c "$3"`;

/**
 * Definitions for every script: `$D`, its own folder; `fjord`; `begin [OPTION…]`, after which `$M` is the mount; `end`.
 */
const PRELUDE = `
  cd /
  fjord() { local command=$1; shift; node ${program.map((word) => `'${word}'`).join(' ')} "$command" --data "$D/data" "$@"; }
  access() { node -p "JSON.parse(fs.readFileSync('$D/data/access.json', 'utf8')).$1"; }
  begin() {
    fjord start --port 0 "$@" > "$D/out" 2>&1 & pid=$!
    for i in $(seq 1200); do ! grep -q 'Ctrl-C ends it' "$D/out" || break; kill -0 $pid || { cat "$D/out"; exit 1; }; sleep 0.1; done
    M=$(access mount)
  }
  end() { cd /; fjord down; wait $pid; }
  trap '[[ -z \${pid-} ]] || kill $pid 2> /dev/null && wait $pid || true' EXIT`;

/** Runs a bash script as an unprivileged user, who can open the FUSE device if its mode permits. */
export async function asNobody(
  t: Test,
  script: string,
  { device = '666', timeout = 200_000 }: { readonly device?: string; readonly timeout?: number } = {},
): Promise<CommandOutput> {
  const dir = mkdtempSync(join(tmpdir(), 'fjord-nobody-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  chmodSync(dir, 0o755);
  chownSync(dir, NOBODY, NOBODY);
  const config = join(import.meta.dirname, 'empty.toml');
  const env = { ...process.env, D: dir, HOME: dir, FJORD_CONFIG: config, NO_COLOR: '1', LC_ALL: 'C.UTF-8' };
  const inside = ['bash', '-euc', ENTER, 'enter', dir, device, `${PRELUDE}\n${script}`];
  return await tryCommand('unshare', ['--mount', '--propagation', 'private', ...inside], { env, timeout, cwd: '/' });
}
