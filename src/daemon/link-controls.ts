import type { LinkRecord } from '../cloud/records.ts';
import type { Linking } from '../cloud/linking.ts';
import type { Gateway } from '../mounts/gateway.ts';
import type { Context } from '../vfs/context.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { NodeId } from '../vfs/node.ts';
import type { PublicLinks } from './control/controls.ts';
import { resolve } from './control/files.ts';
import type { LinkBody, Linked, UnlinkBody } from './control/wire.ts';

export interface LinkControlsOptions {
  readonly gateway: Gateway;
  readonly linking: Linking;
  /** Where the cloud is, without a slash at its end. */
  readonly cloudUrl: string;
}

/** Public links by paths in the drive. */
export class LinkControls implements PublicLinks {
  readonly #options: LinkControlsOptions;

  constructor(options: LinkControlsOptions) {
    this.#options = options;
  }

  async list(context: Context): Promise<Linked[]> {
    return (await this.#options.linking.links(context)).map((link) => this.#shown(link));
  }

  async link({ path, ...more }: LinkBody, context: Context): Promise<Linked> {
    const { gateway, linking } = this.#options;
    const { id } = await resolve(gateway.raw, path, 'link', context);
    this.#checkInSync(id, path);
    // The cloud has to know the node, and a link opens what was written before it was made.
    await gateway.flush(path, undefined, context);
    return this.#shown(await linking.link({ node: id, ...more }, context));
  }

  /** @throws ENOENT if nothing of that is a link */
  async unlink({ link }: UnlinkBody, context: Context): Promise<number> {
    const { linking } = this.#options;
    const known = await this.list(context);
    const found = known.filter(({ id, url, path }) => link === id || link === url || link === path);
    if (found.length === 0) {
      const reason = 'it is no link: name the path, the address or the id that `fjord links` shows';
      throw new FsError('ENOENT', 'unlink', { subject: link, reason });
    }
    for (const { id } of found) await linking.unlink(id, context);
    return found.length;
  }

  #checkInSync(id: NodeId, path: string): void {
    const { catalog } = this.#options.gateway.stack;
    const space = catalog.space(catalog.get(id)?.space ?? '');
    if ((space?.kind === 'sync' || space?.kind === 'shared') && space.root !== id) return;
    throw new FsError('EPERM', 'link', { subject: path, reason: 'only files and folders inside /Sync can be linked' });
  }

  #shown({ id, token, node, name, upload, password, by, expires, active }: LinkRecord): Linked {
    const { catalog } = this.#options.gateway.stack;
    const known = catalog.get(node);
    const path = known === undefined ? {} : { path: catalog.path(known) };
    const url = `${this.#options.cloudUrl.replace(/\/+$/, '')}/l/${token}`;
    return { id, url, name, ...path, upload, password, by, ...(expires === undefined ? {} : { expires }), active };
  }
}
