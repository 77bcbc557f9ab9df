import { quoted, steps, type Completable } from './tree.ts';

/** The script for zsh. */
export function zshScript(all: readonly Completable[]): string {
  const words = all.map(
    ({ path, children, options }) => `    ${quoted(path)})
      children=(${children.map(({ name, description }) => described(name, description)).join(' ')})
      options=(${options.map(({ flag, description }) => described(flag, description)).join(' ')})
      ;;`,
  );
  const drive = all.filter((command) => command.drive).map(({ path }) => quoted(path));
  return `#compdef fjord
# zsh completion of fjord; put into ~/.zshrc:  source <(fjord completion zsh)
_fjord() {
  local at=fjord i dir
  local -a children options rows
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
    ${steps(all).map(quoted).join(' | ')}) at="$at \${words[i]}" ;;
    esac
  done
  case $at in
${words.join('\n')}
  esac
  (( $#children )) && _describe command children
  [[ \${words[CURRENT]} == -* ]] && _describe option options
  case $at in
  ${drive.join(' | ')})
    if [[ \${words[CURRENT]} == /* ]]; then
      dir=\${words[CURRENT]%/*}/
      rows=("\${(@f)$(fjord ls "$dir" 2>/dev/null)}")
      compadd -S '' -- "\${(@)rows/#/$dir}"
      return
    fi
    ;;
  esac
  (( $#children )) || _files
}
compdef _fjord fjord
`;
}

function described(name: string, description: string): string {
  return quoted(`${name.replaceAll(':', String.raw`\:`)}:${description}`);
}
