import type { Remote } from '../cloud/remote.ts';
import type { SpaceRecord } from '../cloud/records.ts';
import type { Context } from '../vfs/context.ts';
import type { BackupIndex } from './backup-index.ts';
import { Changes } from './changes.ts';
import { Committer } from './committer.ts';
import type { ListingPage } from './listing.ts';
import type { Mirrored } from './mirrored.ts';
import { Moves } from './moves.ts';
import type { Look } from './source-thread.ts';
import type { Tally } from './tally.ts';
import { Transfer, type SourceThread } from './transfer.ts';
import { Walk } from './walk.ts';

export interface PassOptions {
  readonly folder: string;
  /** What the folder was when the run began. */
  readonly source: NonNullable<Look>;
  readonly index: BackupIndex;
  readonly remote: Remote;
  readonly space: SpaceRecord;
  readonly scanner: SourceThread;
  readonly reader: SourceThread;
  readonly tally: Tally;
  readonly context: Context;
  readonly confirm: boolean;
  /** The mirror is empty: this is the first run. */
  readonly fresh: boolean;
}

/** So many files may go without a question, and so large a share of all. */
const FREE_REMOVALS = 100;
const FREE_SHARE = 0.5;

/** One comparison of the whole source with the whole mirror. */
export class Pass {
  readonly #options: PassOptions;
  readonly #changes: Changes;
  readonly #committer: Committer;
  readonly #transfer: Transfer;
  readonly #moves: Moves;
  readonly #walk: Walk;

  constructor(options: PassOptions) {
    const { folder, index, remote, space, scanner, reader, tally, context, fresh } = options;
    this.#options = options;
    this.#changes = new Changes(space.id, index, tally);
    this.#committer = new Committer({
      index,
      remote,
      context,
      problem: (path, reason) => tally.problem(path, reason),
    });
    this.#transfer = new Transfer({ reader, remote, tally, context, fresh });
    this.#moves = new Moves({ index, source: scanner, folder, fresh });
    const parts = { changes: this.#changes, committer: this.#committer, transfer: this.#transfer, moves: this.#moves };
    this.#walk = new Walk({ folder, root: space.root, index, scanner, tally, ...parts });
  }

  get surprised(): boolean {
    return this.#committer.surprised;
  }

  /** Whether nothing is left in the source of a mirror that holds something. */
  async isEmptied(): Promise<boolean> {
    const { scanner, folder, fresh } = this.#options;
    if (fresh) return false;
    const { entries } = await scanner.request<ListingPage>({ ask: 'list', folder, after: undefined });
    return entries.length === 0;
  }

  /** Everything but removals; when answered, it is in the cloud. */
  async compare(): Promise<void> {
    const { tally } = this.#options;
    tally.phase = 'scan';
    await this.#walk.run();
    tally.phase = 'finish';
    await this.#settle();
    while (this.#walk.again() > 0) await this.#settle();
  }

  /** Removes from the mirror what is not in the source any more; or answers why it does not. */
  async remove(): Promise<string | undefined> {
    const { index, tally, confirm } = this.#options;
    const gone = [...this.#walk.missing].map((id) => index.get(id)).filter((node) => node !== undefined);
    const free = gone.filter((node) => this.#moves.isFree(node));
    if (free.length === 0) return undefined;
    tally.phase = 'remove';
    if (!(await this.#sourceIsThere())) return 'the folder has vanished during the run: is its disk mounted?';
    const files = await this.#countFiles(free);
    const all = this.#walk.files + files - free.filter(({ kind }) => kind === 'file').length;
    if (!confirm && files > FREE_REMOVALS && files > all * FREE_SHARE) {
      return `${files} of ${all} files would be removed from the mirror: more than half`;
    }
    const seen = index.state?.cursor ?? 0;
    for (const node of free) {
      await this.#committer.room();
      this.#committer.add(this.#changes.remove(node, index.path(node) ?? node.name, seen));
    }
    await this.#committer.flush();
    return undefined;
  }

  /** The next run compares the source with what it was in this one. */
  async remember(): Promise<void> {
    const { index, source } = this.#options;
    const { state } = index;
    const { inode, disk } = source;
    if (!state || (state.source?.inode === inode && state.source.disk === disk)) return;
    await index.setState({ ...state, source: { inode, disk } });
  }

  async #settle(): Promise<void> {
    await this.#transfer.drain();
    await this.#committer.flush();
  }

  async #sourceIsThere(): Promise<boolean> {
    const { scanner, folder, source } = this.#options;
    const now = await scanner.request<Look>({ ask: 'look', path: folder });
    return now?.isFolder === true && now.inode === source.inode && now.disk === source.disk;
  }

  async #countFiles(nodes: readonly Mirrored[]): Promise<number> {
    let files = 0;
    for (const node of nodes) files += node.kind === 'folder' ? await this.#options.index.countFiles(node.id) : 1;
    return files;
  }
}
