import { computed, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { RateMeter, type Rates } from '../../daemon/control/rates.ts';
import type { Conflict, Shared, Status } from '../../daemon/control/wire.ts';
import { CallError, StatusApi, type CallProblem } from './status-api.ts';

/** ms */
const REFRESH = 1000;
/** Invitations are asked of the cloud, and are not urgent; ms. */
const REFRESH_SHARES = 60_000;

export interface Snapshot {
  readonly status: Status;
  readonly rates: Rates;
  readonly conflicts: readonly Conflict[];
  readonly invitations: readonly Shared[];
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
  readonly #meter = new RateMeter();
  #isLeaving = false;
  #sharesAt = -Infinity;

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
      const conflicts = status.conflicts > 0 ? await this.api.get<Conflict[]>('/conflicts') : [];
      const invitations = await this.#invitations();
      this.snapshot.value = { status, rates, conflicts, invitations };
      this.problem.value = undefined;
    } catch (error) {
      this.problem.value = error instanceof CallError ? error.problem : 'gone';
    }
  }

  async #invitations(): Promise<readonly Shared[]> {
    if (performance.now() - this.#sharesAt < REFRESH_SHARES) return this.snapshot.value?.invitations ?? [];
    this.#sharesAt = performance.now();
    const shares = await this.api.get<Shared[]>('/shares').catch((): Shared[] => []);
    return shares.filter(({ accepted, role }) => !accepted && role !== 'owner');
  }

  /** Does what a button says, and shows at once what has become of it. Never rejects. */
  async run(action: () => Promise<void>): Promise<void> {
    this.failure.value = '';
    this.#sharesAt = -Infinity;
    await action().catch((error: unknown) => (this.failure.value = error instanceof Error ? error.message : ''));
    await this.refresh();
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
