import { Type } from 'typebox';
import type { Bandwidth } from '../../cloud/http/bandwidth.ts';
import type { LimitsBody, Limits } from '../control/wire.ts';
import type { Config } from '../config.ts';
import type { DataDir } from '../data-dir.ts';
import { readJson, writeJson } from '../secrets.ts';
import { nextChange, parseTimetable, rateAt, type Timetable } from './timetable.ts';

/** How often the time of day is looked at, ms: a computer may sleep, and its clock may be set. */
const LOOK = 5000;

const DIRECTIONS = ['up', 'down'] as const;
type Direction = (typeof DIRECTIONS)[number];

const LimitsSchema = Type.Object({ up: Type.Optional(Type.String()), down: Type.Optional(Type.String()) });

export interface BandwidthLimitsOptions {
  /** What a person has chosen by command is kept in it. */
  readonly file: string;
  /** What holds where nothing was chosen, as texts. */
  readonly settings: Readonly<Record<Direction, string>>;
  readonly bandwidth: Bandwidth;
  /** ms since 1970 */
  readonly now: () => number;
}

/** The limits of a data folder, at work. Close them. */
export async function openLimits(config: Config, dir: DataDir, bandwidth: Bandwidth): Promise<BandwidthLimits> {
  const settings = { up: config['limit.up'], down: config['limit.down'] };
  const limits = new BandwidthLimits({ file: dir.limits, settings, bandwidth, now: Date.now });
  await limits.open();
  return limits;
}

/** Applies the limits that a person has chosen, by the time of day. */
export class BandwidthLimits {
  readonly #options: BandwidthLimitsOptions;
  #chosen: Partial<Record<Direction, string>> = {};
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BandwidthLimitsOptions) {
    this.#options = options;
  }

  /** @throws EIO if the file is damaged; EINVAL for a limit in it or in the settings that is none */
  async open(): Promise<void> {
    this.#chosen = (await readJson(this.#options.file, LimitsSchema)) ?? {};
    this.#apply();
    this.#timer = setInterval(() => this.#apply(), LOOK).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Bytes so far. */
  get transferred(): { readonly up: number; readonly down: number } {
    return { ...this.#options.bandwidth.passed };
  }

  get limits(): Limits {
    const { bandwidth, now } = this.#options;
    const at = new Date(now());
    const of = (direction: Direction): Limits[Direction] => {
      const { rate } = bandwidth[direction];
      const next = nextChange(this.#timetable(direction), at);
      return { limit: this.#text(direction), ...(rate === undefined ? {} : { rate }), ...(next && { next }) };
    };
    return { up: of('up'), down: of('down') };
  }

  /** `default`: as the settings say. Kept, and applied at once. @throws EINVAL, as a whole; EIO */
  async set(body: LimitsBody): Promise<Limits> {
    const chosen = { ...this.#chosen };
    for (const direction of DIRECTIONS) {
      const text = body[direction];
      if (text === 'default') delete chosen[direction];
      else if (text !== undefined) {
        parseTimetable(text);
        chosen[direction] = text.trim();
      }
    }
    await writeJson(this.#options.file, chosen);
    this.#chosen = chosen;
    this.#apply();
    return this.limits;
  }

  #text(direction: Direction): string {
    return this.#chosen[direction] ?? this.#options.settings[direction];
  }

  #timetable(direction: Direction): Timetable {
    return parseTimetable(this.#text(direction));
  }

  #apply(): void {
    const { bandwidth, now } = this.#options;
    const at = new Date(now());
    for (const direction of DIRECTIONS) bandwidth[direction].rate = rateAt(this.#timetable(direction), at) ?? undefined;
  }
}
