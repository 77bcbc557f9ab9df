import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface SystemProbesOptions {
  /** The folder of power supplies: `/sys/class/power_supply`. */
  readonly powerSupplies: string;
  /** Runs a program and resolves to its output. Rejects if there is none, or it fails or takes long. */
  readonly run: (program: string, args: readonly string[]) => Promise<string>;
}

const NETWORK_MANAGER = 'org.freedesktop.NetworkManager';
/** `NMMetered` of NetworkManager's D-Bus API: 1 yes, 2 no, 3 guessed yes, 4 guessed no, 0 unknown. */
const METERED = /^u (?:1|3)\b/;

/** Asks the system about its power and its network. What it does not know counts as mains and as not metered. Never throws. */
export class SystemProbes {
  readonly #options: SystemProbesOptions;

  constructor(options: SystemProbesOptions) {
    this.#options = options;
  }

  /** Linux: a battery of the computer itself is discharging, and no other supply is online; see sysfs-class-power. */
  async isOnBattery(): Promise<boolean> {
    const { powerSupplies } = this.#options;
    const names = await readdir(powerSupplies).catch((): string[] => []);
    const supplies = await Promise.all(names.map((name) => supplyOf(join(powerSupplies, name))));
    const isFed = supplies.some(({ type, online }) => type !== 'Battery' && online === '1');
    const drains = supplies.some(
      ({ type, scope, status }) => type === 'Battery' && scope !== 'Device' && status === 'Discharging',
    );
    return drains && !isFed;
  }

  /** Linux with NetworkManager. */
  async isMetered(): Promise<boolean> {
    const { run } = this.#options;
    const path = '/org/freedesktop/NetworkManager';
    const property = ['--timeout=2', 'get-property', NETWORK_MANAGER, path, NETWORK_MANAGER, 'Metered'];
    try {
      return METERED.test(await run('busctl', ['--system', ...property]));
    } catch {
      const shown = await run('nmcli', ['--terse', '--fields', 'GENERAL.METERED', 'device', 'show']).catch(() => '');
      return /^GENERAL\.METERED:yes/m.test(shown);
    }
  }
}

async function supplyOf(folder: string): Promise<Record<'type' | 'scope' | 'status' | 'online', string>> {
  const read = async (name: string): Promise<string> => {
    return (await readFile(join(folder, name), 'utf8').catch(() => '')).trim();
  };
  const [type, scope, status, online] = await Promise.all(['type', 'scope', 'status', 'online'].map(read));
  return { type: type ?? '', scope: scope ?? '', status: status ?? '', online: online ?? '' };
}
