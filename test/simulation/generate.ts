import type { Entry } from '../../src/cache/tree/entry.ts';
import type { Device } from './device.ts';
import { Random } from './random.ts';
import type { Step } from './step.ts';
import type { World } from './world.ts';

/** The weight of each kind of step. */
const PROGRAMS = {
  write: 8,
  create: 4,
  patch: 3,
  append: 2,
  rewrite: 3,
  truncate: 1,
  save: 4,
  backup: 2,
  open: 2,
  add: 4,
  empty: 0.5,
  close: 2,
  fsync: 0.5,
  mkdir: 6,
  ln: 1,
  mv: 14,
  mvnew: 1,
  swap: 2,
  cp: 3,
  cpnew: 1,
  rm: 5,
  rmdir: 2,
  rmtree: 3,
  chmod: 1,
  touch: 1,
  xattr: 1,
  read: 2,
  sync: 0.3,
} as const;

const FAULTS = {
  cut: 3,
  heal: 4,
  slow: 2,
  drop: 1,
  lose: 2,
  tear: 0.7,
  disks: 0.5,
  kill: 1.5,
  restart: 1,
  resync: 0.7,
  restore: 1,
  flush: 3,
  pull: 2,
} as const;

/** Steps that change places and not contents. */
const PLACES: ReadonlySet<string> = new Set(['mkdir', 'mv', 'mvnew', 'swap', 'rm', 'rmdir', 'rmtree', 'write']);
/** Steps that remove a node from the first path that they name. */
const FREEING: ReadonlySet<string> = new Set(['mv', 'mvnew', 'rm', 'rmdir', 'rmtree']);

/** Drawn only on request: the faults that they find are not fixed yet, and the checks do not know what a loss of power may take. */
const MORE = { full: 0.5, clock: 0.4, power: 1 } as const;
/** Folders that change places in quick succession, before anything of it is sent. */
const FOLDERS = { mkdir: 10, mv: 14, swap: 5, rmdir: 1, rm: 1, rmtree: 0.5, write: 2, wait: 0.7, meet: 0.4 } as const;

/** Few names that several computers move, exchange and replace before they have seen each other's changes. */
const CONTESTED = { write: 5, mkdir: 2, ln: 1, mv: 14, swap: 4, save: 3, rm: 1, rmdir: 0.3, xattr: 0.3 } as const;
const RENAMES = { ...CONTESTED, cut: 3, heal: 2, slow: 1.5, flush: 4, pull: 1, kill: 0.3, wait: 1.5, meet: 3 } as const;

/** Histories other than those of the tests. */
export interface Taste {
  /** Nearly all steps move folders. */
  readonly folders?: boolean;
  /** Nearly all steps rename over names that other computers rename, too. */
  readonly renames?: boolean;
  /** Disks that fill up, clocks that are set, power that is lost, more files open at a time. */
  readonly more?: boolean;
  /** None of that is a loss of power. */
  readonly powered?: boolean;
  /** The last computer is another person's, with whom folders are shared. */
  readonly shared?: boolean;
}

/** The shares of seeds whose histories move folders, or rename over names of others. */
const SHARES = { folders: 0.25, renames: 0.2 };

/** What a seed draws if nothing is requested. From a stream of its own, so that all other choices stay the same. */
function tasteOf(seed: number): Taste {
  const drawn = Random.of(seed, 4).next();
  if (drawn < SHARES.folders) return { folders: true };
  return { renames: drawn < SHARES.folders + SHARES.renames };
}

type Verb = keyof typeof PROGRAMS | keyof typeof FAULTS | keyof typeof MORE | 'share' | 'wait' | 'meet';

const SHARED = '/Sync/s';
/** Weight of sharing another folder. */
const SHARING = 0.5;
const SHARE: readonly Step[] = [
  { who: 'a', verb: 'flush', args: [] },
  { who: 'a', verb: 'share', args: [SHARED] },
  { who: '-', verb: 'wait', args: ['400'] },
];

const COMMON = ['a', 'b', 'c', 'd', 'e'];
/** Names that some systems treat as equal, and some that stay on a computer. */
const ODD = ['A', 'B', 'é', 'e\u0301', 'É', 'a.txt', '.DS_Store', '._a', 'ß', 'ss'];
const WAITS = [1, 20, 20, 100, 400, 1500, 5000, 15_000];

/**
 * Draws a history step by step, depending on the current state: most steps concern existing names. Each seed has its
 * own mix: few names or more, some kinds of steps often and some never, because failures often need many steps of one
 * kind.
 */
export class Generator {
  readonly #random: Random;
  readonly #weights: Readonly<Record<Verb, number>>;
  readonly #names: readonly string[];
  /** The steps with which the history begins. */
  readonly #beginning: Step[];
  readonly #top: string;
  readonly #archive: number;
  readonly length: number;
  readonly count: number;
  readonly shared: boolean;
  /** Share of moves that move folders. */
  readonly #bias: number;
  readonly #taste: Taste;
  /** Share of steps that use a recently named path again. */
  readonly #locality: number;
  /** Paths that existed recently. */
  readonly #freed: string[] = [];
  /** Paths that steps have named recently. */
  readonly #recent: string[] = [];
  #who = 0;
  #content = 0;

  constructor(seed: number, given: Taste = {}) {
    const { shared = false, ...wanted } = given;
    const taste = { ...(Object.values(wanted).includes(true) ? wanted : tasteOf(seed)), shared };
    this.#taste = taste;
    const random = Random.of(seed, 0);
    this.#random = random;
    const vary = (weight: number): number => weight * random.pick([0, 0.5, 1, 1, 2, 4]);
    const faults = random.pick([0, 0.5, 1, 1]);
    const weights: Partial<Record<string, number>> = {
      wait: random.pick([1, 4, 14, 30]),
      meet: random.pick([1, 3, 6]),
    };
    for (const [verb, weight] of Object.entries(PROGRAMS)) weights[verb] = vary(weight);
    for (const [verb, weight] of Object.entries(FAULTS)) weights[verb] = faults * vary(weight);
    if (taste.more === true) for (const [verb, weight] of Object.entries(MORE)) weights[verb] = vary(weight);
    if (taste.powered === true) weights['power'] = 0;
    this.shared = shared;
    if (this.shared) weights['share'] = SHARING;
    this.#beginning = this.shared ? [{ who: 'a', verb: 'mkdir', args: [SHARED] }, ...SHARE] : [];
    const bias = random.pick([0, 0, 0.5, 0.9]);
    this.#bias = taste.folders === true ? 0.9 : bias;
    const locality = random.pick([0, 0.3, 0.7]);
    this.#locality = taste.renames === true ? 0.7 : locality;
    if (random.chance(0.25)) {
      for (const verb of Object.keys(PROGRAMS)) if (!PLACES.has(verb)) weights[verb] = 0.2 * (weights[verb] ?? 0);
      Object.assign(weights, { mkdir: 8, mv: 14, write: 4 });
    }
    if (taste.folders === true) {
      for (const verb of Object.keys(weights)) weights[verb] = 0.05 * (weights[verb] ?? 0);
      Object.assign(weights, FOLDERS);
    }
    if (taste.renames === true) {
      for (const verb of Object.keys(weights)) weights[verb] = 0.05 * (weights[verb] ?? 0);
      Object.assign(weights, RENAMES);
    }
    this.#weights = weights as Record<Verb, number>;
    const names = COMMON.slice(0, 2 + random.below(4));
    if (random.chance(0.3)) names.push(...[1, 2].map(() => random.pick(ODD)));
    this.#names = names;
    this.#archive = random.pick([0, 0, 0.1, 0.4]);
    this.#top = '/Sync';
    this.length = random.pick([10, 20, 40, 60]);
    this.count = random.pick([2, 2, 3]);
  }

  next(world: World): Step {
    const random = this.#random;
    const first = this.#beginning.shift();
    if (first !== undefined) return first;
    if (random.chance(this.#taste.folders === true ? 0.1 : 0.4)) this.#who = random.below(this.count);
    const device = world.devices[this.#who] as Device;
    for (let tries = 0; ; tries++) {
      const verb = random.weighted(this.#weights);
      if (verb === 'meet') return { who: '-', verb, args: [] };
      if (verb === 'wait') return { who: '-', verb, args: [String(random.pick(WAITS))] };
      const args = this.#args(verb, device, world);
      // Invalid steps are tried now and then.
      if (args === undefined && tries < 5) continue;
      if (args === undefined) return { who: '-', verb: 'wait', args: ['20'] };
      if (FREEING.has(verb) && args[0] !== undefined) this.#freed.unshift(args[0]);
      this.#freed.splice(4);
      this.#recent.unshift(...args.filter((arg) => arg.startsWith('/')));
      this.#recent.splice(4);
      return { who: device.name, verb, args };
    }
  }

  /** `undefined` if there is nothing to which the step could be applied. */
  #args(verb: Verb, device: Device, world: World): string[] | undefined {
    const random = this.#random;
    const shown = device.entries().filter((entry) => entry.space !== '.');
    const path = (entry: Entry): string => device.gateway.stack.catalog.path(entry);
    const known = (kind?: Entry['kind']): string | undefined => {
      const found = shown.filter((entry) => kind === undefined || entry.kind === kind);
      const paths = found.map(path).filter((one) => one.split('/').length > 2);
      if (paths.length === 0) return undefined;
      const recent = random.chance(this.#locality) ? paths.filter((one) => this.#recent.includes(one)) : [];
      return random.pick(recent.length > 0 ? recent : paths);
    };
    const biased = (): Entry['kind'] | undefined => (random.chance(this.#bias) ? 'folder' : undefined);
    const fresh = (): string => this.#fresh(shown, path);
    const target = (from: string): string => {
      const kind = shown.find((entry) => path(entry) === from)?.kind;
      const way = random.below(12);
      if (this.#taste.renames === true && random.chance(0.5))
        return known(random.chance(0.8) ? kind : undefined) ?? fresh();
      if (way < 4) return fresh();
      if (way < 7) return known(random.chance(0.9) ? kind : undefined) ?? fresh();
      if (way < 9 && this.#freed.length > 0) return random.pick(this.#freed);
      if (way < 10) return `${known('folder') ?? this.#top}/${random.pick(this.#names)}`;
      return `${this.#folder(shown, path)}/${from.slice(from.lastIndexOf('/') + 1)}`;
    };
    const handles = [...world.handlesOf(device).keys()];
    const about = (first: string | undefined, ...rest: string[]): string[] | undefined =>
      first === undefined ? undefined : [first, ...rest];
    switch (verb) {
      case 'write':
      case 'save':
        return [(random.chance(0.5) ? known('file') : undefined) ?? fresh(), this.#text(device)];
      case 'create':
        return [fresh(), this.#text(device)];
      case 'patch':
      case 'append':
      case 'rewrite':
      case 'backup':
        return about(known('file'), this.#text(device));
      case 'truncate':
        return about(known('file'), String(random.below(12)));
      case 'open':
        return [
          random.pick(this.#taste.more === true ? ['h1', 'h2', 'h3', 'h4'] : ['h1', 'h2']),
          (random.chance(0.7) ? known('file') : undefined) ?? fresh(),
        ];
      case 'add':
        return handles.length === 0 ? undefined : [random.pick(handles), this.#text(device)];
      case 'empty':
      case 'fsync':
      case 'close':
        return handles.length === 0 ? undefined : [random.pick(handles)];
      case 'mkdir':
        return [fresh()];
      case 'ln':
        return [fresh(), random.pick(['x', 'y'])];
      case 'mv':
      case 'mvnew':
      case 'cp':
      case 'cpnew': {
        const from = known(biased());
        return from === undefined ? undefined : [from, target(from)];
      }
      case 'swap':
        return this.#taste.folders === true
          ? about(known(biased()), known(biased()) ?? '')
          : about(known(), known() ?? '');
      case 'rm':
      case 'read':
        return about(known(random.chance(0.9) ? 'file' : 'symlink'));
      case 'rmdir':
      case 'rmtree':
      case 'share':
        return about(known('folder'));
      case 'chmod':
        return about(known(), random.pick(['600', '755', '444']));
      case 'touch':
        return about(known(), String(1e12 + random.below(1000)));
      case 'xattr':
        return about(known(), random.pick(['user.a', 'user.b']), random.pick(['1', '2', '-']));
      case 'slow':
        return [random.pick(['20', '300', '3000', '10000'])];
      case 'drop':
      case 'lose':
      case 'tear':
        return [String(1 + random.below(3))];
      case 'disks':
        return [random.pick(['0', '3', '50'])];
      case 'clock':
        return [random.pick(['-3600000', '-1000', '1000', '3600000'])];
      case 'full':
        return [device.disk.free === 0 || random.chance(0.3) ? '0' : '1'];
      case 'kill':
      case 'power':
        return [String(random.below(random.pick([1, 5, 30])))];
      default:
        return [];
    }
  }

  #folder(shown: readonly Entry[], path: (entry: Entry) => string): string {
    const top = this.#random.chance(this.#archive) ? '/Archive' : this.#top;
    const folders = shown.filter((entry) => entry.kind === 'folder').map(path);
    const below = folders.filter((folder) => folder.startsWith(`${top}/`) && folder.split('/').length < 5);
    if (this.shared && top === this.#top && this.#random.chance(0.4) && below.includes(SHARED)) return SHARED;
    const recent = this.#random.chance(this.#locality) ? below.filter((one) => this.#recent.includes(one)) : [];
    if (recent.length > 0) return this.#random.pick(recent);
    return below.length === 0 || this.#random.chance(0.4) ? top : this.#random.pick(below);
  }

  #fresh(shown: readonly Entry[], path: (entry: Entry) => string): string {
    return `${this.#folder(shown, path)}/${this.#random.pick(this.#names)}`;
  }

  #text(device: Device): string {
    const random = this.#random;
    if (random.chance(0.1)) return `same${random.below(2)}`;
    return `${device.name}${this.#content++}${'.'.repeat(random.below(12))}`;
  }
}
