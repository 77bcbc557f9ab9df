import type { Remote } from '../cloud/remote.ts';
import type { Attributes, SpaceRecord } from '../cloud/records.ts';
import type { Context } from '../vfs/context.ts';
import type { ChangedNames } from '../watch/quiet-paths.ts';
import type { BackupIndex } from './backup-index.ts';
import { born, Changes } from './changes.ts';
import { CloudState } from './cloud-state.ts';
import { Committer } from './committer.ts';
import { sameAttrs } from './decide.ts';
import type { Exclusions } from './exclusions.ts';
import { EMPTIED, type Halt } from './halt.ts';
import { NewFiles } from './new-files.ts';
import type { MassGuard } from './mass-guard.ts';
import { Mender } from './mender.ts';
import type { Mirrored } from './mirrored.ts';
import { MountPoints, NOT_MOUNTED } from './mount-points.ts';
import { Moves } from './moves.ts';
import { posixText } from './posix-text.ts';
import type { SourceAttributes } from './source-entry.ts';
import type { Look } from './source-thread.ts';
import { Removal } from './removal.ts';
import type { Tally } from './tally.ts';
import type { SourceThread } from './start-source-thread.ts';
import { Transfer } from './transfer.ts';
import { Walk } from './walk.ts';

export interface PassOptions {
  /** State of the source folder at the start of the run. */
  readonly source: NonNullable<Look>;
  readonly index: BackupIndex;
  readonly remote: Remote;
  readonly space: SpaceRecord;
  readonly scanner: SourceThread;
  readonly reader: SourceThread;
  readonly tally: Tally;
  /** Why the source is not, or not any more, what is being read. */
  readonly check: () => Promise<Halt | undefined>;
  readonly context: Context;
  readonly guard: MassGuard;
  readonly exclusions: Exclusions;
  readonly oneFileSystem: boolean;
  /** A mirror that holds something may become empty. */
  readonly confirm: boolean;
  /** The mirror is empty: this is the first run. */
  readonly fresh: boolean;
  /** Names to compare; everything if undefined. */
  readonly scope: ChangedNames | undefined;
}

/** One comparison of the source with the mirror. */
export class Pass {
  readonly #options: PassOptions;
  readonly #cloud: CloudState;
  readonly #mender: Mender;
  readonly #changes: Changes;
  readonly #committer: Committer;
  readonly #transfer: Transfer;
  readonly #mountPoints: MountPoints;
  readonly #moves: Moves;
  readonly #walk: Walk;

  constructor(options: PassOptions) {
    const { source, index, remote, space, scanner, reader, tally, context, fresh } = options;
    const { guard, exclusions, oneFileSystem, confirm } = options;
    this.#options = options;
    this.#cloud = new CloudState(index);
    this.#changes = new Changes(space.id, index, this.#cloud, tally);
    this.#committer = new Committer({
      index,
      remote,
      context,
      problem: (path, reason) => tally.problem(path, reason),
    });
    this.#transfer = new Transfer({ reader, remote, tally, context, fresh });
    const mountPoints = (this.#mountPoints = new MountPoints({ index, source: scanner, confirm }));
    this.#moves = new Moves({ index, cloud: this.#cloud, source: scanner, mountPoints, fresh });
    const tools = { index, cloud: this.#cloud, changes: this.#changes, committer: this.#committer, moves: this.#moves };
    this.#mender = new Mender(tools);
    const parts = { ...tools, transfer: this.#transfer, mender: this.#mender, mountPoints };
    const { exclude } = exclusions;
    const filled = { reader, committer: this.#committer, index, space: space.id, tally, context, exclude };
    const newFiles = fresh && this.#cloud.isAsKnown ? new NewFiles(filled) : undefined;
    const rules = { guard, exclusions, newFiles, disk: oneFileSystem ? source.disk : undefined };
    this.#walk = new Walk({ root: space.root, scanner, tally, ...parts, ...rules });
  }

  get surprised(): boolean {
    return this.#committer.surprised;
  }

  /** Whether the source is empty although the mirror is not. */
  async isEmptied(): Promise<boolean> {
    const { scanner, fresh } = this.#options;
    return !fresh && (await scanner.request<boolean>({ ask: 'isEmpty' }));
  }

  /** Makes all changes except removals. Resolves when they are in the cloud. */
  async compare(): Promise<void> {
    const { tally, scope } = this.#options;
    tally.phase = 'scan';
    await (scope === undefined ? this.#walk.run() : this.#walk.runSome(scope));
    tally.phase = 'finish';
    await this.#settle();
    while (this.#walk.again() > 0) await this.#settle();
    await this.#mender.finish();
  }

  /** Removes from the mirror what is not in the source any more; or returns why it does not. */
  async remove(): Promise<Halt | undefined> {
    const { index, tally, confirm, guard, check, scanner, exclusions } = this.#options;
    if (guard.refused > 0) return { kind: 'mass-change', reason: refusal(guard, guard.refused, 'replaced in') };
    const gone = [...this.#walk.missing.keys()].map((id) => index.get(id)).filter((node) => node !== undefined);
    const free = await this.#removable(gone.filter((node) => this.#moves.isFree(node)));
    const other = await check();
    if (other !== undefined || free.length === 0) return other;
    tally.phase = 'remove';
    if (!confirm && (await this.isEmptied())) return EMPTIED;
    const files = await this.#countFiles(free);
    if (!guard.admits(files)) return { kind: 'mass-removal', reason: refusal(guard, files, 'removed from') };
    const removal = new Removal({ index, scanner, check, exclusions, missing: this.#walk.missing });
    const halt = await removal.run(free, async (node) => {
      await this.#committer.room();
      const count = node.kind === 'folder' ? await index.countFiles(node.id) : 1;
      tally.lost += count;
      tally.growth -= count;
      await this.#remove(node);
    });
    await this.#committer.flush();
    return halt;
  }

  /** Without folders in which a disk was mounted that is not there. */
  async #removable(nodes: readonly Mirrored[]): Promise<Mirrored[]> {
    const { index, tally } = this.#options;
    const removable: Mirrored[] = [];
    for (const node of nodes) {
      let holds = false;
      for await (const point of this.#mountPoints.in(node)) {
        holds = true;
        tally.problem(index.path(point) ?? point.name, NOT_MOUNTED);
      }
      if (!holds) removable.push(node);
    }
    return removable;
  }

  async #remove(node: Mirrored): Promise<void> {
    const { index } = this.#options;
    const now = this.#cloud.now(node);
    for (const one of await this.#mender.part(node)) this.#committer.add(this.#changes.remove(one, one.name));
    if (now) this.#committer.add(this.#changes.remove(now, index.path(node) ?? node.name));
    else await index.remove(node);
  }

  /** The root folder of the mirror gets the attributes of the source folder. */
  async describeRoot(): Promise<void> {
    const { scanner, remote, space, context, scope, index } = this.#options;
    if (scope !== undefined && !scope.has('')) return;
    const look = await scanner.request<Look>({ ask: 'describe', path: '' });
    const { state } = index;
    if (!look || !state || look.signature === state.described) return;
    if (!isSameRoot(look, space.attributes)) await remote.setAttributes(space.id, born(look), context);
    await index.setState({ ...state, described: look.signature });
  }

  /** Records the source folder's identity, which the next run compares. */
  async remember(): Promise<void> {
    const { index, source, tally, scope } = this.#options;
    const { state } = index;
    const { inode, disk } = source;
    const files = scope === undefined ? tally.scanned.files : Math.max(0, (state?.files ?? 0) + tally.growth);
    if (!state || (state.source?.inode === inode && state.source.disk === disk && state.files === files)) return;
    await index.setState({ ...state, files, source: { inode, disk } });
  }

  async #settle(): Promise<void> {
    await this.#transfer.drain();
    await this.#committer.flush();
  }

  async #countFiles(nodes: readonly Mirrored[]): Promise<number> {
    let files = 0;
    for (const node of nodes) files += node.kind === 'folder' ? await this.#options.index.countFiles(node.id) : 1;
    return files;
  }
}

function isSameRoot(look: SourceAttributes, attributes: Attributes | undefined): boolean {
  if (attributes === undefined) return false;
  return sameAttrs(look, { ...attributes, posix: attributes.posix && posixText(attributes.posix) });
}

function refusal(guard: MassGuard, files: number, what: string): string {
  return `${files} of ${guard.files} files would be ${what} the mirror: with those before, more than half at once`;
}
