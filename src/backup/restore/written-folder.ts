import type { AttributeWriter } from './attribute-writer.ts';
import type { OpenFolder } from './open-folder.ts';
import type { EntryAttributes, TreeEntry } from './tree-entry.ts';

/** `absent`: only a dry run meets it. `failed`: what would be in it is left out. */
export type FolderState =
  { readonly is: 'open'; readonly open: OpenFolder } | { readonly is: 'absent' } | { readonly is: 'failed' };

export interface WrittenFolderOptions {
  readonly parent: WrittenFolder | undefined;
  /** Undefined for the top. */
  readonly entry: TreeEntry | undefined;
  readonly attributes: EntryAttributes | undefined;
  readonly state: FolderState;
  /** Undefined: a dry run. */
  readonly writer: AttributeWriter | undefined;
  readonly onFailure: (error: unknown) => void;
}

/** A folder that is being filled. It gets its attributes, and is closed, when the last of those that hold it lets go. */
export class WrittenFolder {
  readonly #options: WrittenFolderOptions;
  readonly state: FolderState;
  #holders = 1;
  #isClosed = false;

  /** The maker holds it. */
  constructor(options: WrittenFolderOptions) {
    this.#options = options;
    this.state = options.state;
    options.parent?.hold();
  }

  get parent(): WrittenFolder | undefined {
    return this.#options.parent;
  }

  get entry(): TreeEntry | undefined {
    return this.#options.entry;
  }

  /** Undefined if it is not open, or not any more. */
  get open(): OpenFolder | undefined {
    return this.state.is === 'open' && !this.#isClosed ? this.state.open : undefined;
  }

  hold(): void {
    this.#holders += 1;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders > 0) return;
    this.#finish();
    this.#options.parent?.release();
  }

  /** Closes it as it is. */
  close(): void {
    this.open?.close();
    this.#isClosed = true;
  }

  #finish(): void {
    const { open } = this;
    const { attributes, writer, onFailure } = this.#options;
    try {
      if (open && attributes) writer?.apply(open.self, open.fd, attributes);
    } catch (error) {
      onFailure(error);
    }
    this.close();
  }
}
