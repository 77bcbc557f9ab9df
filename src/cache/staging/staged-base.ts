import type { DigestList } from '../../vfs/digest-list.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type { Content, ContentReader, Readable } from '../content/content.ts';
import type { Extent } from '../../vfs/extent.ts';
import type { DiskContentStore } from '../store/content-store.ts';

/** The base of a staged file, from which unchanged blocks are read. */
export interface StagedBase extends Readable {
  /** The content, if it is in the cloud. */
  readonly content: Content | null;
  /** The digests of all blocks. */
  digests(context: Context): Promise<DigestList>;
  /** Whether the cloud has this block. */
  isRemote(index: number): boolean;
  /** Syncs the data of the base that exists only on this computer. */
  sync(): Promise<void>;
  /** Releases descriptors; reading still works. */
  rest(): void;
}

/** Content that is in the cloud, read through the store. */
export class ContentBase implements StagedBase {
  readonly content: Content;
  readonly #store: DiskContentStore;
  #reader: ContentReader | undefined;

  constructor(content: Content, store: DiskContentStore) {
    this.content = content;
    this.#store = store;
  }

  get size(): number {
    return this.content.size;
  }

  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    this.#reader ??= this.#store.open(this.content);
    return this.#reader.read(into, position, context);
  }

  data(position: number, context: Context): Promise<Extent | undefined> {
    this.#reader ??= this.#store.open(this.content);
    return this.#reader.data(position, context);
  }

  digests(context: Context): Promise<DigestList> {
    return this.#store.manifest(this.content, context);
  }

  isRemote(): boolean {
    return true;
  }

  async sync(): Promise<void> {}

  rest(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }
}
