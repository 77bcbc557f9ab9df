import type { BackupIndex } from './backup-index.ts';
import type { ListingPage } from './listing.ts';
import type { Mirrored } from './mirrored.ts';
import type { SourceMark } from './source-entry.ts';
import type { SourceThread } from './start-source-thread.ts';

export interface MountPointsOptions {
  readonly index: BackupIndex;
  readonly source: SourceThread;
  /** A person has said that what is there now is right. */
  readonly confirm: boolean;
}

const KEPT = 'its files stay in the mirror; if it will not come back, `fjord backup run --confirm` removes them';
export const NOT_MOUNTED = `the disk that was mounted here is not mounted; ${KEPT}`;
const ANOTHER = `another disk is mounted where the one of the mirror was; ${KEPT}, and takes the other disk`;

/**
 * Folders of the source on which disks of their own are mounted. While such a disk is not there, nothing says that its files are
 * gone: they are neither removed from the mirror nor taken for files that appear elsewhere.
 */
export class MountPoints {
  readonly #options: MountPointsOptions;

  constructor(options: MountPointsOptions) {
    this.#options = options;
  }

  /** Whether a person has said that what is there now is right. */
  get isConfirmed(): boolean {
    return this.#options.confirm;
  }

  /**
   * Why nothing can be said of what is below a node; undefined if no disk is missing there.
   * @param node a mount point
   * @param entry what has its place in the source now
   */
  async missing(node: Mirrored, entry: SourceMark): Promise<string | undefined> {
    const missing = this.isConfirmed ? undefined : missingDisk(node, entry);
    return missing === undefined || (await this.#isEmpty(node)) ? undefined : missing;
  }

  /** The mount points with content that are in a folder of the mirror, or are it. */
  async *in(node: Mirrored): AsyncGenerator<Mirrored> {
    if (this.isConfirmed || node.kind !== 'folder') return;
    if (isMountPoint(node) && !(await this.#isEmpty(node))) yield node;
    else for await (const child of this.#options.index.children(node.id)) yield* this.in(child);
  }

  /** Whether the disk that a node was read from is mounted, if it is not the disk of the source folder. @throws EINTR */
  async isThere(node: Mirrored): Promise<boolean> {
    const { index, source } = this.#options;
    if (this.isConfirmed) return true;
    let above = index.get(node.parent);
    while (above && !isMountPoint(above)) above = index.get(above.parent);
    const path = above && index.path(above);
    if (above === undefined || path === undefined) return true;
    const { name } = above;
    const folder = path.slice(0, Math.max(0, path.length - name.length - 1));
    const asked = source.request<ListingPage | undefined>({ ask: 'some', folder, names: [name] });
    const page = await asked.catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EINTR') throw error;
      return undefined;
    });
    const entry = page?.entries[0];
    return entry !== undefined && isSameDisk(above, entry);
  }

  async #isEmpty({ id }: Mirrored): Promise<boolean> {
    for await (const _ of this.#options.index.children(id)) return false;
    return true;
  }
}

export function isMountPoint({ kind, source }: Mirrored): boolean {
  return kind === 'folder' && source?.mounted !== undefined;
}

/** What became of the disk of a folder: undefined if it is there, or there was none. */
export function missingDisk(node: Mirrored, entry: SourceMark | undefined): string | undefined {
  if (!isMountPoint(node) || (entry && isSameDisk(node, entry))) return undefined;
  return entry?.mounted === undefined ? NOT_MOUNTED : ANOTHER;
}

/** Volumes without a name, as FAT and network file systems are, are taken for each other. */
function isSameDisk({ source }: Mirrored, { mounted: volume }: SourceMark): boolean {
  return volume !== undefined && (volume === '' || source?.mounted === '' || volume === source?.mounted);
}
