import { signal } from '@preact/signals';
import type { Cursor, LocationRecord, NodeRecord, Push } from '../cloud/records.ts';
import { ApiError, type Api } from './api.ts';
import type { Live } from './live.ts';

export type FolderState = 'loading' | 'ready' | 'missing' | 'failed';

/** Entries after which a listing that still arrives is shown. */
const FIRST = 200;

/** The entries of one folder, kept up to date. */
export class Folder {
  readonly id: string;
  readonly state = signal<FolderState>('loading');
  readonly location = signal<LocationRecord | undefined>(undefined);
  readonly entries = signal<readonly NodeRecord[]>([]);
  readonly #api: Api;
  readonly #stop = new AbortController();
  readonly #unsubscribe: () => void;
  #nodes = new Map<string, NodeRecord>();
  /** The revision up to which changes were applied. */
  #cursor = Infinity;
  #following = false;
  #again = false;

  constructor(api: Api, live: Live, id: string) {
    this.#api = api;
    this.id = id;
    this.#unsubscribe = live.subscribe((event) => this.#handle(event));
    void this.reload();
  }

  /** Never rejects. */
  async reload(): Promise<void> {
    try {
      await this.#load();
      this.state.value = 'ready';
      void this.#follow();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.state.value = isMissing(error) ? 'missing' : 'failed';
    }
  }

  close(): void {
    this.#stop.abort();
    this.#unsubscribe();
  }

  /** Shows at once what this page has changed. */
  apply(node: NodeRecord): void {
    this.#take(node);
    this.#show();
  }

  async #load(): Promise<void> {
    const { signal } = this.#stop;
    const [location, { rev, chunks }] = await Promise.all([
      this.#api.json<LocationRecord>('GET', `/v1/nodes/${this.id}`, { signal }),
      this.#api.children(this.id, signal),
    ]);
    this.location.value = location;
    const nodes = new Map<string, NodeRecord>();
    let next = FIRST;
    for await (const chunk of chunks) {
      for (const node of chunk) nodes.set(node.id, node);
      if (nodes.size < next || this.state.value === 'ready') continue;
      this.entries.value = [...nodes.values()];
      next = nodes.size * 8;
    }
    this.#nodes = nodes;
    this.#cursor = rev;
    this.#show();
  }

  #handle(event: Push): void {
    const space = this.location.value?.space.id;
    if (event.type === 'space' && (event.space !== space || event.rev <= this.#cursor)) return;
    // What the account may do in a shared folder, or that it has it, may be different now.
    const isRelisted = event.type === 'spaces' && this.location.value?.space.kind === 'shared';
    if (isRelisted || this.state.value === 'failed') void this.reload();
    else void this.#follow();
  }

  /** One at a time; never rejects. */
  async #follow(): Promise<void> {
    this.#again = true;
    if (this.#following || this.state.value !== 'ready') return;
    this.#following = true;
    try {
      while (this.#again) {
        this.#again = false;
        await this.#catchUp();
      }
    } catch (error) {
      if (error instanceof ApiError && error.code === 'cursor_expired') await this.reload();
    } finally {
      this.#following = false;
    }
  }

  async #catchUp(): Promise<void> {
    const location = this.location.value;
    if (location === undefined) return;
    let isPathChanged = false;
    const above = new Set(location.path.map(({ id }) => id));
    for (let more = true; more;) {
      more = false;
      const path = `/v1/spaces/${location.space.id}/feed?since=${this.#cursor}`;
      for await (const chunk of this.#api.lines<NodeRecord | Cursor>(path, this.#stop.signal)) {
        for (const item of chunk) {
          if ('cursor' in item) [this.#cursor, more] = [item.cursor, item.more];
          else if (above.has(item.id)) isPathChanged = true;
          else this.#take(item);
        }
      }
    }
    this.#show();
    if (isPathChanged) await this.reload();
  }

  #take(node: NodeRecord): void {
    const known = this.#nodes.get(node.id);
    if (known !== undefined && known.rev > node.rev) return;
    if (node.parent === this.id && !node.removed) this.#nodes.set(node.id, node);
    else this.#nodes.delete(node.id);
  }

  #show(): void {
    const location = this.location.value;
    if (location !== undefined && Number.isFinite(this.#cursor)) {
      this.location.value = { ...location, space: { ...location.space, rev: this.#cursor } };
    }
    this.entries.value = [...this.#nodes.values()];
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ApiError && ['not_found', 'gone', 'not_a_folder'].includes(error.code);
}
