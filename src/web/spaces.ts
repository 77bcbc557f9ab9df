import { computed, signal } from '@preact/signals';
import type { LocationRecord, SpaceRecord } from '../cloud/records.ts';
import type { Api } from './api.ts';
import type { Live } from './live.ts';

/** The spaces of the account, kept up to date. */
export class Spaces {
  readonly all = signal<readonly SpaceRecord[] | undefined>(undefined);
  readonly sync = computed(() => this.all.value?.find(({ kind }) => kind === 'sync'));
  readonly archive = computed(() => this.all.value?.find(({ kind }) => kind === 'archive'));
  readonly backups = computed(() => this.all.value?.filter(({ kind }) => kind === 'backup') ?? []);
  /** By shared space: where the folder is under which the account has it. */
  readonly placesOfShared = signal<ReadonlyMap<string, LocationRecord>>(new Map());
  /** The place of what is shown. */
  readonly current = signal<'sync' | 'archive' | 'backups' | undefined>(undefined);
  readonly #api: Api;

  constructor(api: Api, live: Live) {
    this.#api = api;
    live.subscribe(({ type }) => {
      if (type === 'spaces') void this.load().catch(() => undefined);
    });
  }

  show({ kind }: SpaceRecord): void {
    this.current.value = kind === 'backup' ? 'backups' : kind === 'archive' ? 'archive' : 'sync';
  }

  /** @throws ApiError */
  async load(): Promise<void> {
    const { spaces } = await this.#api.json<{ spaces: SpaceRecord[] }>('GET', '/v1/spaces');
    const places = new Map<string, LocationRecord>();
    for (const { id, place } of spaces) {
      if (place === undefined) continue;
      // It may be in the Trash with a folder above it.
      const location = await this.#api.json<LocationRecord>('GET', `/v1/nodes/${place}`).catch(() => undefined);
      if (location !== undefined) places.set(id, location);
    }
    this.placesOfShared.value = places;
    this.all.value = spaces;
  }
}
