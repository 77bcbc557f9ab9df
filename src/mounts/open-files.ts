import type { Catalog } from '../cache/catalog.ts';
import type { StagedFile, Staging } from '../cache/content.ts';
import type { NodeId } from '../vfs/node.ts';

export interface OpenFilesParts {
  readonly catalog: Catalog;
  readonly staging: Staging;
}

/** The files that are open, one record for each node, shared by its handles. */
export class OpenFiles {
  readonly #parts: OpenFilesParts;

  constructor(parts: OpenFilesParts) {
    this.#parts = parts;
  }

  /**
   * Ends the current generation of a file's content, for its upload: what is written from now on goes to a new staged
   * file and a new intent. Call it in the turn in which the put was claimed, then read the intent and the entry anew:
   * both get their final `version`, the entry its final size and times. Answers the sealed staged file that the
   * claimed put names; `undefined` if it names none (a copy by reference, or an empty file).
   */
  async freeze(node: NodeId): Promise<StagedFile | undefined> {
    const id = this.#parts.catalog.get(node)?.staged;
    if (id === undefined) return undefined;
    const staged = await this.#parts.staging.open(id);
    staged.seal();
    return staged;
  }

  /** Handles on `from` go on as handles on `to`, which has got its local content and intents. */
  rebind(_from: NodeId, _to: NodeId): void {}

  /** True while a handle that may write is open. */
  hasWriters(_node: NodeId): boolean {
    return false;
  }

  /** True while any handle is open. */
  isOpen(_node: NodeId): boolean {
    return false;
  }
}
