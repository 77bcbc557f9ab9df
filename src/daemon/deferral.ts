import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { SystemProbes, SystemProbesOptions } from './system-probes.ts';

/** How often the system is asked, ms. */
const LOOK = 10_000;
/** Longest time for which a program may run, ms. */
const TIMEOUT = 3000;

export type Rule = 'pause' | 'run';

export interface DeferralOptions {
  readonly probes: Pick<SystemProbes, 'isOnBattery' | 'isMetered'>;
  readonly onBattery: Rule;
  readonly onMetered: Rule;
  /** Called with the new reason, or with undefined when there is none any more. */
  readonly onChange: (reason: string | undefined) => void;
}

/** Whether backups wait because of the computer's power or network. */
export class Deferral {
  readonly #options: DeferralOptions;
  #reason: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: DeferralOptions) {
    this.#options = options;
  }

  /** Why they wait. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Resolves when it has looked once. */
  async open(): Promise<void> {
    await this.#look();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { onChange } = this.#options;
    const reason = await this.#find();
    if (this.#isClosed) return;
    const isNew = reason !== this.#reason;
    this.#reason = reason;
    if (isNew) onChange(reason);
    this.#timer = setTimeout(() => void this.#look(), LOOK).unref();
  }

  async #find(): Promise<string | undefined> {
    const { probes, onBattery, onMetered } = this.#options;
    if (onBattery === 'pause' && (await probes.isOnBattery()))
      return 'the computer runs on battery (backup.on_battery)';
    if (onMetered === 'pause' && (await probes.isMetered())) return 'the network is metered (backup.on_metered)';
    return undefined;
  }
}

const execute = promisify(execFile);

/** The probes of this computer. */
export const systemProbesOptions: SystemProbesOptions = {
  powerSupplies: '/sys/class/power_supply',
  run: async (program, args) => (await execute(program, [...args], { timeout: TIMEOUT })).stdout,
};
