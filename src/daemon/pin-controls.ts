import type { Gateway } from '../mounts/gateway.ts';
import type { Context } from '../vfs/context.ts';
import type { NodeId } from '../vfs/node.ts';
import type { Pinning } from './control/controls.ts';
import { resolve } from './control/files.ts';
import type { Freed, PinBody, Pinned } from './control/wire.ts';

/** Implements pinning by paths in the drive. */
export class PinControls implements Pinning {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  list(): Pinned {
    return describePins(this.#gateway);
  }

  async pin({ path, pinned }: PinBody, context: Context): Promise<Pinned> {
    await resolve(this.#gateway.raw, path, 'pin', context);
    await this.#gateway.pin(path, pinned, context);
    return this.list();
  }

  async free(path: string, context: Context): Promise<Freed> {
    await resolve(this.#gateway.raw, path, 'free', context);
    return await this.#gateway.free(path, context);
  }
}

/** What is pinned, by its paths. */
export function describePins(gateway: Gateway): Pinned {
  const { catalog } = gateway.stack;
  const first = (node: NodeId | undefined): { readonly first?: string } => {
    const entry = node === undefined ? undefined : catalog.get(node);
    return entry === undefined ? {} : { first: catalog.path(entry) };
  };
  const { paths, status } = gateway.pins();
  const { files, bytes, missing, unfit, failed } = status;
  return {
    paths,
    files,
    bytes,
    missing,
    unfit: { files: unfit.files, bytes: unfit.bytes, ...first(unfit.first) },
    failed: { files: failed.files, ...first(failed.first) },
  };
}
