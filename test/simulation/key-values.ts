import type { Op } from '../../src/cache/db/group-writer.ts';
import type { KeyValueStore } from '../../src/cache/db/level-store.ts';
import type { Bounds, Rows as Reads } from '../../src/cache/db/table.ts';
import type { SimulatedDisk } from './disk.ts';
import type { RowChange, Rows } from './rows.ts';

/** The replacement of LevelDB on a simulated disk. `delay` resolves when the disk has completed an operation. */
export class SimulatedKeyValues implements KeyValueStore {
  readonly location: string;
  readonly #disk: SimulatedDisk;
  readonly #rows: Rows;
  readonly #delay: () => Promise<void>;

  constructor(disk: SimulatedDisk, location: string, delay: () => Promise<void>) {
    this.location = location;
    this.#disk = disk;
    this.#rows = disk.database(location);
    this.#delay = delay;
  }

  async open(): Promise<void> {
    this.#disk.mkdir(this.location);
  }

  async close(): Promise<void> {}

  async batch(ops: readonly Op[], sync: boolean): Promise<void> {
    const changes = ops.map(({ type, table, key, value, json }): RowChange =>
      type === 'put'
        ? { type, key: whole(table, key), value: json ?? JSON.stringify(value) }
        : { type, key: whole(table, key) },
    );
    await this.#delay();
    this.#disk.changing();
    this.#rows.batch(changes, sync);
  }

  async rows(table: string): Promise<Reads> {
    const skip = whole(table, '').length;
    return {
      getSync: (key) => this.#rows.get(whole(table, key)),
      range: async ({ gt, lt, limit }: Bounds) => {
        const found = this.#rows.range({ gt: whole(table, gt), lt: whole(table, lt) }).slice(0, limit);
        await this.#delay();
        return found.map(([key, value]) => [key.slice(skip), value]);
      },
    };
  }
}

function whole(table: string, key: string): string {
  return `${table}!${key}`;
}
