import type { TreeEntry } from '../backup/restore/tree-entry.ts';
import type { Outcome, TreeObserver } from '../backup/restore/tree-writer.ts';
import { Problem, type ProblemKind } from '../daemon/problem.ts';
import type { Code, FsError } from '../vfs/fs-error.ts';
import { count, shown, size, span } from './format.ts';
import type { Amount, Step } from './progress-line.ts';

/** Something that was not restored. */
export interface Missed {
  readonly path: string;
  readonly reason: string;
  readonly kind: ProblemKind;
}

/** The worst first: what the exit code says if there are several. */
const KINDS: readonly ProblemKind[] = ['damaged', 'not-found', 'conflict', 'failure'];
const KIND_OF: Partial<Record<Code, ProblemKind>> = { EIO: 'damaged', ENOENT: 'not-found', EEXIST: 'conflict' };

/** Counts what becomes of the entries of a restore. */
export class RestoreReport implements TreeObserver {
  readonly #total: Amount;
  readonly #onChange: (step: Step) => void;
  readonly #onDone: (entry: TreeEntry, outcome: Outcome) => void;
  readonly #started = Date.now();
  readonly missed: Missed[] = [];
  readonly written = { files: 0, bytes: 0, folders: 0, symlinks: 0 };
  kept = 0;
  #settled = 0;
  #bytes = 0;

  constructor(
    total: Amount,
    onChange: (step: Step) => void,
    onDone: (entry: TreeEntry, outcome: Outcome) => void = () => undefined,
  ) {
    this.#total = total;
    this.#onChange = onChange;
    this.#onDone = onDone;
  }

  readonly received = (entry: TreeEntry, bytes: number): void => {
    this.#bytes += bytes;
    this.#change(entry);
  };

  readonly done = (entry: TreeEntry, outcome: Outcome): void => {
    if (entry.kind === 'file') this.#settled += 1;
    if (outcome === 'kept') {
      if (entry.kind !== 'folder') this.kept += 1;
      this.#bytes += entry.size;
    } else if (entry.kind === 'file') {
      this.written.files += 1;
      this.written.bytes += entry.size;
    } else this.written[entry.kind === 'folder' ? 'folders' : 'symlinks'] += 1;
    this.#onDone(entry, outcome);
    this.#change(entry);
  };

  readonly failed = ({ path, kind }: TreeEntry, { code, reason }: FsError): void => {
    if (kind === 'file') this.#settled += 1;
    this.missed.push({ path, reason: reason ?? code, kind: KIND_OF[code] ?? 'failure' });
  };

  /** `restored 12 files, 1.0 MiB, 3 folders, 1 symlink in 2 s; 4 were there already` */
  summary(verb: string): string {
    const { files, bytes, folders, symlinks } = this.written;
    const links = symlinks === 0 ? '' : `, ${count(symlinks, 'symlink')}`;
    const kept =
      this.kept === 0 ? '' : `; ${this.kept.toLocaleString('en')} ${this.kept === 1 ? 'was' : 'were'} there already`;
    const took = span(Date.now() - this.#started);
    return `${verb} ${count(files, 'file')}, ${size(bytes)}, ${count(folders, 'folder')}${links} in ${took}${kept}`;
  }

  /** @throws Problem if something was missed; its kind is that of the worst */
  conclude(): void {
    const kind = KINDS.find((one) => this.missed.some((missed) => missed.kind === one));
    if (kind === undefined) return;
    const [first] = this.missed.filter((missed) => missed.kind === kind);
    const others =
      this.missed.length === 1 ? '' : `, and ${count(this.missed.length - 1, 'other')}; all are named above`;
    throw new Problem(kind, `not restored: ${shown(first?.path ?? '')} (${first?.reason ?? ''})${others}`);
  }

  #change({ path }: TreeEntry): void {
    this.#onChange({ done: { files: this.#settled, bytes: this.#bytes }, total: this.#total, current: path });
  }
}
