import type { BackupSet } from './control/wire.ts';
import type { BackupEvent, BackupEventKind } from './failure-hook.ts';

/** The parts of an event that a set's state gives. */
type Trouble = Pick<BackupEvent, 'event' | 'reason' | 'problems'>;

/** How often the sets are looked at, ms. */
const LOOK = 2000;

export interface BackupWatchOptions {
  readonly sets: () => readonly BackupSet[];
  /** Called once for each trouble that begins, with the set's own hook. */
  readonly onTrouble: (event: BackupEvent, hook: string | undefined) => void;
}

/** Notices when something goes wrong with a set: once when it begins, and again only after it was well. */
export class BackupWatch {
  readonly #options: BackupWatchOptions;
  readonly #known = new Map<string, ReadonlySet<BackupEventKind>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BackupWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    for (const set of this.#options.sets()) {
      const troubles = troublesOf(set);
      const known = this.#known.get(set.name);
      const now = new Set(troubles.map(({ event }) => event));
      // While it runs nothing is known to be well again.
      if (set.state.doing === 'running') for (const event of known ?? []) now.add(event);
      this.#known.set(set.name, now);
      const { name, folder, finished } = set;
      const more = { set: name, folder, ...(finished === undefined ? {} : { finished }) };
      for (const trouble of troubles) {
        if (!known?.has(trouble.event)) this.#options.onTrouble({ ...trouble, ...more }, set.onFailure);
      }
    }
  }
}

/** A cloud that is out of reach, as on a train, is no trouble before the set is overdue. */
function troublesOf({ name, state, problems, overdue, verified, finished }: BackupSet): Trouble[] {
  const damaged = verified?.damaged ?? 0;
  const since =
    finished === undefined ? 'it was never complete' : `it was last complete at ${new Date(finished).toISOString()}`;
  return [
    ...(state.doing === 'failing' && state.offline !== true
      ? [{ event: 'failed', reason: state.reason, problems } as const]
      : []),
    ...(state.doing === 'halted' ? [{ event: 'halted', reason: state.reason, problems } as const] : []),
    ...(problems > 0 && state.doing !== 'running'
      ? [
          {
            event: 'incomplete',
            reason: `${problems} files or folders of ${name} could not be taken`,
            problems,
          } as const,
        ]
      : []),
    ...(overdue === undefined ? [] : [{ event: 'overdue', reason: since, problems } as const]),
    ...(damaged > 0
      ? [{ event: 'damaged', reason: 'a verification has found damage', problems: damaged } as const]
      : []),
  ];
}
