import type { NodeRecord, PutIntent, SpaceRecord } from '../cloud/records.ts';
import { ApiError, type Api } from './api.ts';
import { newId } from './new-id.ts';

/** A file of a backup that gets a new version, and the password of the account. */
export interface Replaced {
  readonly node: NodeRecord;
  readonly password: string;
}

/** Changes of folders and files, as intents. All throw `ApiError`. */
export class Edits {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async makeFolder(space: string, parent: string, name: string): Promise<NodeRecord> {
    const now = Date.now();
    const born = { mode: 0o755, mtime: now, birthtime: now };
    return await this.#api.commit({ op: 'mkdir', id: newId(), space, node: newId(), parent, name, ...born });
  }

  /** The id of a folder of this name, which is made if there is none. */
  async openFolder(space: string, parent: string, name: string): Promise<string> {
    try {
      return (await this.makeFolder(space, parent, name)).id;
    } catch (error) {
      const current = error instanceof ApiError && error.code === 'exists' ? error.current : undefined;
      // A shared folder is another space.
      if (current?.kind !== 'folder' || current.mount !== undefined) throw error;
      return current.id;
    }
  }

  async move(node: NodeRecord, to: { readonly parent?: string; readonly name?: string }): Promise<NodeRecord> {
    const { id, space, parent, name } = node;
    const place = { parent: to.parent ?? parent, name: to.name ?? name };
    return await this.#api.commit({ op: 'move', id: newId(), space, node: id, from: { parent, name }, ...place });
  }

  /** @param seen the revision of the space up to which the user has seen what is in it */
  async remove({ id, space, version }: NodeRecord, seen: number): Promise<NodeRecord> {
    return await this.#api.commit({ op: 'remove', id: newId(), space, node: id, base: version, seen });
  }

  /** Takes a node out of the Trash. Its name may be another one, if that has been taken since. */
  async restore(id: string, password?: string): Promise<NodeRecord> {
    const options = password === undefined ? {} : { body: { password } };
    return await this.#api.json<NodeRecord>('POST', `/v1/trash/${id}/restore`, options);
  }

  /** Out of the Archive or a backup. */
  async removeWithPassword(node: NodeRecord, kind: 'archive' | 'backup', password: string): Promise<NodeRecord> {
    await this.#api.json('POST', `/v1/${kind}/remove`, { body: { node: node.id, password } });
    return { ...node, removed: true };
  }

  /** A new version of a file of a backup; without content it is only checked that there may be one. */
  async replaceInBackup(
    { node: { id: node, version: base }, password }: Replaced,
    put?: Pick<PutIntent, 'version' | 'mtime' | 'content'>,
  ): Promise<void> {
    await this.#api.json('POST', '/v1/backup/replace', { body: { node, base, password, ...(put && { put }) } });
  }
}

/** What may be done to what is there. */
export function mayChange({ kind, writable }: SpaceRecord): boolean {
  return writable && kind !== 'archive';
}
