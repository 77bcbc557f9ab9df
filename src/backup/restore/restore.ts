import type { Remote } from '../../cloud/remote.ts';
import { AttributeWriter, handsOnAcl } from './attribute-writer.ts';
import { CloudContents } from './cloud-contents.ts';
import { CloudTree, type LoadSpace } from './cloud-tree.ts';
import { loadCurrent, loadPast } from './load-space.ts';
import { matching } from './only.ts';
import type { TreeEntry } from './tree-entry.ts';
import { TreeWriter, type TreeObserver } from './tree-writer.ts';

export interface RestoreOptions {
  readonly remote: Remote;
  /** Of the drive: a file, a folder, or one above several spaces. */
  readonly path: string;
  /** As it was then, ms since 1970; as it is now if absent. */
  readonly at?: number | undefined;
  /** Only what matches one of these patterns of `.gitignore`, if there are any. */
  readonly only: readonly string[];
  readonly signal: AbortSignal;
}

export interface WriteOptions {
  /** What is in the restored folder comes into this one; a restored file, too. */
  readonly target: string;
  readonly overwrite: boolean;
  readonly dryRun: boolean;
  readonly observer: TreeObserver;
}

/** Something of the cloud that can be written to a folder of this computer. Needs no gateway, and leaves none of its traces in a cache. */
export class Restore {
  readonly #options: RestoreOptions;
  readonly #tree: CloudTree;

  private constructor(options: RestoreOptions, tree: CloudTree) {
    this.#options = options;
    this.#tree = tree;
  }

  /** Asks the cloud what there is. @throws ENOENT; as `Remote` */
  static async prepare(options: RestoreOptions): Promise<Restore> {
    const { remote, path, at, signal } = options;
    const spaces = await remote.spaces({ signal });
    const load: LoadSpace = (group) =>
      at === undefined ? loadCurrent(remote, group, { signal }) : loadPast(remote, group, at, { signal });
    const tree = await CloudTree.open(path, spaces, load);
    return new Restore(options, tree);
  }

  /** What cannot be had. */
  get lacks(): CloudTree['lacks'] {
    return this.#tree.lacks;
  }

  /** There is nothing, and nothing is lacking. */
  get isEmpty(): boolean {
    const [first] = this.#entries();
    return first === undefined && this.lacks.length === 0;
  }

  /** What will be looked at. */
  get total(): { readonly files: number; readonly bytes: number } {
    const total = { files: 0, bytes: 0 };
    for (const { kind, size } of this.#entries()) {
      if (kind === 'file') total.files += 1;
      total.bytes += size;
    }
    return total;
  }

  /**
   * Writes it all; one that was ended, by whatever, goes on when it is called again.
   * @returns attributes that this system or this user did not permit to be set, with how often
   * @throws FsError when it cannot go on: no cloud, no room
   */
  async write({ target, overwrite, dryRun, observer }: WriteOptions): Promise<ReadonlyMap<string, number>> {
    const { remote, signal } = this.#options;
    const attributes = new AttributeWriter({ inherits: handsOnAcl(target) });
    const contents = new CloudContents(remote, signal);
    const writer = new TreeWriter({ target, contents, attributes, observer, overwrite, dryRun, signal });
    await writer.run(this.#entries(), this.#tree.attributes);
    return attributes.refused;
  }

  #entries(): Iterable<TreeEntry> {
    const { only } = this.#options;
    const entries = this.#tree.entries();
    return only.length === 0 ? entries : matching(entries, only);
  }
}
