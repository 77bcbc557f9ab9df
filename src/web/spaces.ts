import { computed, signal } from '@preact/signals';
import type { SpaceRecord } from '../cloud/records.ts';
import type { Api } from './api.ts';
import type { Live } from './live.ts';

/** The spaces of the account, kept up to date. */
export class Spaces {
  readonly all = signal<readonly SpaceRecord[] | undefined>(undefined);
  readonly sync = computed(() => this.all.value?.find(({ kind }) => kind === 'sync'));
  readonly archive = computed(() => this.all.value?.find(({ kind }) => kind === 'archive'));
  readonly backups = computed(() => this.all.value?.filter(({ kind }) => kind === 'backup') ?? []);
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
    this.all.value = spaces;
  }
}
