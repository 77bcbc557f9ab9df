import { steps, type Completable } from './tree.ts';

/** The script for fish 3 and later. */
export function fishScript(all: readonly Completable[]): string {
  const lines = all.flatMap(({ path, children, options, drive }) => {
    const when = `complete -c fjord -n ${quoted(`test (__fjord_at) = ${quoted(path)}`)}`;
    return [
      ...children.map(({ name, description }) => `${when} -f -a ${quoted(name)} -d ${quoted(description)}`),
      ...options.map(({ flag, description }) => `${when} ${option(flag)} -d ${quoted(description)}`),
      ...(drive ? [`${when} -a '(__fjord_drive)'`] : []),
    ];
  });
  return `# fish completion of fjord:  fjord completion fish > ~/.config/fish/completions/fjord.fish
function __fjord_at
  set -l at fjord
  for word in (commandline -opc)[2..]
    if contains -- "$at $word" ${steps(all).map(quoted).join(' ')}
      set at "$at $word"
    end
  end
  echo $at
end
function __fjord_drive
  set -l word (commandline -ct)
  string match -q -- '/*' $word; or return
  set -l dir (string replace -r '[^/]*$' '' -- $word)
  for name in (fjord ls $dir 2>/dev/null)
    echo $dir$name
  end
end
${lines.join('\n')}
`;
}

function option(flag: string): string {
  return flag.startsWith('--') ? `-l ${quoted(flag.slice(2))}` : `-s ${quoted(flag.slice(1))}`;
}

/** The text in single quotes for fish, which, unlike POSIX shells, has escapes inside them. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
