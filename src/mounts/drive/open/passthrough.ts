import type { StagedFile } from '../../../cache/content/content.ts';
import type { Borrowed } from '../../../cache/disk/file-pool.ts';
import { BackingFile } from './backing-file.ts';

/** What may have a backing file. */
export interface BackingSource {
  lend(write: boolean): Borrowed | undefined;
}

/** The backing file that an open file has last handed out. */
export class Passthrough {
  readonly #look: () => void;
  #backingFile: BackingFile | undefined;

  /** @param look Called now and then while a kernel may write. */
  constructor(look: () => void) {
    this.#look = look;
  }

  /** True while the backing file is in use. */
  get isUsed(): boolean {
    return this.#backingFile?.isUsed === true;
  }

  /** The backing file that a kernel may write into now. */
  written(file: StagedFile | undefined): BackingFile | undefined {
    const backingFile = this.#backingFile;
    return file !== undefined && backingFile?.isWritten === true && backingFile.staged === file
      ? backingFile
      : undefined;
  }

  /** `undefined` if there is no backing file. `staged` is the file that is written into. */
  lend(from: BackingSource, staged: StagedFile | undefined, write: boolean): BackingFile | undefined {
    const lent = from.lend(write);
    if (lent === undefined) return undefined;
    const backingFile = new BackingFile(lent, staged, this.#look);
    const last = this.#backingFile;
    if (last?.isUsed === true && last.backing.key === backingFile.backing.key && last.staged === staged) {
      lent.release();
      last.use(write);
      return last;
    }
    backingFile.use(write);
    this.#backingFile = backingFile;
    return backingFile;
  }
}
