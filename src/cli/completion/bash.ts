import { quoted, steps, type Completable } from './tree.ts';

/** The script for bash 4 and later. */
export function bashScript(all: readonly Completable[]): string {
  const words = all.map(({ path, children, options }) => {
    const list = [...children.map(({ name }) => name), ...options.map(({ flag }) => flag)];
    return `    ${quoted(path)}) words=${quoted(list.join(' '))} ;;`;
  });
  const drive = all.filter((command) => command.drive).map(({ path }) => quoted(path));
  return `# bash completion of fjord; put into ~/.bashrc:  source <(fjord completion bash)
_fjord() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at=fjord words= i dir
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
    ${steps(all).map(quoted).join(' | ')}) at="$at \${COMP_WORDS[i]}" ;;
    esac
  done
  case $at in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  case $at in
  ${drive.join(' | ')})
    [[ $cur == /* ]] || return 0
    dir=\${cur%/*}/
    compopt -o nospace -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen -W "$(fjord ls "$dir" 2>/dev/null | sed "s|^|$dir|")" -- "$cur"))
    ;;
  esac
}
complete -o default -F _fjord fjord
`;
}
