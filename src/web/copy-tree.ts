import type { Intent, IntentResult, NodeRecord, SpaceRecord } from '../cloud/records.ts';
import { ApiError, type Api } from './api.ts';
import { newId } from './new-id.ts';
import { numbered } from './upload/numbered.ts';

/** Intents sent in one request. */
const BATCH = 200;

interface Target {
  readonly space: string;
  readonly parent: string;
}

/** Copies files and folders, of any place that may be read, by reference: no content is moved. */
export class CopyTree {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /**
   * Copies a node with all that is in it, under its name, or with a number if that is in use. A folder of a backup always gets a number: it is in
   * Sync or in a backup, never in both. What a shared folder has is copied with it. A copy that
   * fails in the middle leaves what it has made.
   * @throws ApiError
   */
  async copy(node: NodeRecord, from: SpaceRecord, to: Target): Promise<NodeRecord> {
    const top = await this.#make(node, to, from.kind === 'backup' && node.kind === 'folder' ? 2 : 1);
    if (node.kind === 'folder') await this.#fill(node, { space: to.space, parent: top.id });
    return top;
  }

  async #make(node: NodeRecord, to: Target, first: number): Promise<NodeRecord> {
    for (let number = first; ; number++) {
      const name = number === 1 ? node.name : numbered(node.name, number);
      try {
        return await this.#api.commit(copyOf(node, { ...to, name }));
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'exists') throw error;
      }
    }
  }

  /** Level by level, so that every folder is there before what is in it. */
  async #fill(folder: NodeRecord, to: Target): Promise<void> {
    for (const waiting = [{ from: folder, to }]; ;) {
      const next = waiting.shift();
      if (next === undefined) return;
      for await (const nodes of this.#api.lines<NodeRecord>(`/v1/nodes/${await this.#listed(next.from)}/children`)) {
        for (let at = 0; at < nodes.length; at += BATCH) {
          const batch = nodes.slice(at, at + BATCH);
          const copies = await this.#commit(batch.map((node) => copyOf(node, { ...next.to, name: node.name })));
          for (const [i, node] of batch.entries()) {
            const copy = copies[i];
            if (node.kind === 'folder' && copy !== undefined) {
              waiting.push({ from: node, to: { space: to.space, parent: copy.id } });
            }
          }
        }
      }
    }
  }

  /** The folder whose children a folder shows: for one that a shared folder hangs under, the root of that. */
  async #listed({ id, mount }: NodeRecord): Promise<string> {
    if (mount === undefined) return id;
    const { spaces } = await this.#api.json<{ spaces: { id: string; root: string }[] }>('GET', '/v1/spaces');
    return spaces.find((space) => space.id === mount)?.root ?? id;
  }

  async #commit(intents: readonly Intent[]): Promise<NodeRecord[]> {
    const body = { intents };
    const { results } = await this.#api.json<{ results: IntentResult[] }>('POST', '/v1/intents', { body });
    return results.map((result) => {
      if (result.status === 'done') return result.node;
      throw new ApiError(result.code, result.message, result.current);
    });
  }
}

function copyOf(node: NodeRecord, place: Target & { readonly name: string }): Intent {
  const { mode, mtime, birthtime } = node;
  const made = { id: newId(), node: newId(), ...place, mode, mtime, birthtime };
  if (node.kind === 'folder') return { op: 'mkdir', ...made };
  if (node.kind === 'symlink') return { op: 'symlink', ...made, target: node.target ?? '' };
  const content = node.version === null ? { size: 0, blocks: '' } : { from: node.version };
  return { op: 'put', ...made, version: newId(), base: null, content };
}
