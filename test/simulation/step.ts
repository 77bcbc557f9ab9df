/** A step of a history: an event of one gateway's programs, network or power, or a time in which nothing happens. */
export interface Step {
  /** The gateway's letter; `-` if the step concerns none. */
  readonly who: string;
  readonly verb: string;
  readonly args: readonly string[];
}

/** A history as text, with one step per line: `a mv /Sync/x /Sync/y`. */
export function format(steps: readonly Step[]): string {
  return steps.map(({ who, verb, args }) => [who, verb, ...args.map(quote)].join(' ')).join('\n');
}

export function parse(text: string): Step[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [who = '', verb = '', ...args] = line.split(/ +/);
      return { who, verb, args: args.map(unquote) };
    });
}

/** Escapes a name, as names may have spaces and characters that look alike. */
function quote(word: string): string {
  return word.replaceAll(/[^!-$&-~]/gu, (character) => encodeURIComponent(character));
}

function unquote(word: string): string {
  return decodeURIComponent(word);
}
