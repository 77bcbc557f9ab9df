import { computed, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { RateMeter, type Rates } from '../../daemon/control/rates.ts';
import type { OpenIssue, Status } from '../../daemon/control/wire.ts';
import { CallError, StatusApi, type CallProblem } from './status-api.ts';

/** ms */
const REFRESH = 1000;
/** The list of issues takes a walk, and is asked for when their number has changed, or after this; ms. */
const REFRESH_ISSUES = 60_000;

export interface Snapshot {
  readonly status: Status;
  readonly rates: Rates;
  readonly issues: readonly OpenIssue[];
}

/** What the page shows, asked for every second while it is visible. */
export class PageState {
  readonly api = new StatusApi();
  readonly snapshot = signal<Snapshot | undefined>(undefined);
  /** Why there is nothing newer. */
  readonly problem = signal<CallProblem | undefined>(undefined);
  /** The last thing that was asked for and did not work. */
  readonly failure = signal('');
  readonly isEnded = computed(() => this.problem.value === 'gone' && this.#isLeaving);
  /** What is done to a backup set at present, in words, by its name. */
  readonly work = signal<ReadonlyMap<string, string>>(new Map());
  readonly #meter = new RateMeter();
  #isLeaving = false;
  #issuesAt = -Infinity;

  start(): void {
    const refresh = async (): Promise<void> => {
      if (!document.hidden) await this.refresh();
      setTimeout(() => void refresh(), REFRESH);
    };
    void refresh();
    document.addEventListener('visibilitychange', () => void (document.hidden || this.refresh()));
  }

  /** Never rejects. */
  async refresh(): Promise<void> {
    try {
      const status = await this.api.get<Status>('/status');
      const rates = this.#meter.add(status, performance.now());
      this.snapshot.value = { status, rates, issues: await this.#issues(status) };
      this.problem.value = undefined;
    } catch (error) {
      this.problem.value = error instanceof CallError ? error.problem : 'gone';
    }
  }

  async #issues({ open }: Status): Promise<readonly OpenIssue[]> {
    const known = this.snapshot.value;
    const isSame = known?.status.open.issues === open.issues && known.status.open.advice === open.advice;
    if (known !== undefined && isSame && performance.now() - this.#issuesAt < REFRESH_ISSUES) return known.issues;
    this.#issuesAt = performance.now();
    return await this.api.get<OpenIssue[]>('/issues');
  }

  /** Does what a button says, and shows at once what has become of it. Never rejects. */
  async run(action: () => Promise<void>): Promise<void> {
    this.failure.value = '';
    this.#issuesAt = -Infinity;
    await action().catch((error: unknown) => (this.failure.value = error instanceof Error ? error.message : ''));
    await this.refresh();
  }

  /** Runs something long for a backup set, which says how far it is. Never rejects. */
  async follow(set: string, task: (say: (words: string | undefined) => void) => Promise<void>): Promise<void> {
    const say = (words: string | undefined): void => {
      const work = new Map(this.work.value);
      if (words === undefined) work.delete(set);
      else work.set(set, words);
      this.work.value = work;
    };
    await this.run(async () => {
      try {
        await task(say);
      } catch (error) {
        say(undefined);
        throw error;
      }
    });
  }

  /** Ends the gateway when everything is in the cloud. @throws CallError */
  async quit(): Promise<void> {
    this.#isLeaving = true;
    await this.api.post('/down', { drain: true });
  }
}

export const PageContext = createContext<PageState>(new PageState());

export function usePage(): PageState {
  return useContext(PageContext);
}
