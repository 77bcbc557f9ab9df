/** The options of a measurement. */
export interface BenchOptions {
  /** Number of rounds; absent: the suite's default. */
  readonly rounds: number | undefined;
  /** Names of the parts to measure; empty: all. */
  readonly only: readonly string[];
  /** Names of the peers to measure; empty: all. */
  readonly peers: readonly string[];
  /** Factor for the amount of work, at most 1, for trying out a benchmark. */
  readonly scale: number;
  /** A built checkout of another revision, which takes part as one more peer. */
  readonly before: string | undefined;
}

export interface Choice extends BenchOptions {
  readonly suite: string;
}

const OPTIONS = ['--only', '--peers', '--scale', '--before'];

/** Parses `[SUITE] [ROUNDS] [--only a,b] [--peers a,b] [--scale 0.05] [--before DIR]`. @throws Error with a message for the user */
export function parseOptions(args: readonly string[]): Choice {
  const plain: string[] = [];
  const named = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (!arg.startsWith('--')) plain.push(arg);
    else if (!OPTIONS.includes(arg)) throw new Error(`there is no option ${arg}; choose from ${OPTIONS.join(', ')}`);
    else named.set(arg, args[++i] ?? '');
  }
  const [suite = 'webdav', rounds] = plain;
  return {
    suite,
    rounds: rounds === undefined ? undefined : positive(rounds),
    only: list(named.get('--only')),
    peers: list(named.get('--peers')),
    scale: positive(named.get('--scale') ?? '1'),
    before: named.get('--before'),
  };
}

/** Whether nothing was left out, so that the figures may be published. */
export function isWhole({ only, peers, scale, before }: BenchOptions): boolean {
  return only.length === 0 && peers.length === 0 && scale === 1 && before === undefined;
}

/** Whether a part or peer is selected; an empty list selects all. */
export function chosen(names: readonly string[], name: string): boolean {
  return names.length === 0 || names.includes(name);
}

function list(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(',').filter(Boolean);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${JSON.stringify(text)} is not a number above 0`);
  return value;
}
