import type { StagedFile } from '../../../cache/content/content.ts';
import type { Borrowed } from '../../../cache/disk/file-pool.ts';
import { Loan } from './loan.ts';

/** What may have a file to lend. */
export interface Lender {
  lend(write: boolean): Borrowed | undefined;
}

/** The file that an open file has lent last. */
export class Lending {
  readonly #look: () => void;
  #loan: Loan | undefined;

  /** @param look Called now and then while somebody may write. */
  constructor(look: () => void) {
    this.#look = look;
  }

  /** Somebody has it still. */
  get isUsed(): boolean {
    return this.#loan?.isUsed === true;
  }

  /** The loan of a file that others may write into now. */
  written(file: StagedFile | undefined): Loan | undefined {
    const loan = this.#loan;
    return file !== undefined && loan?.isWritten === true && loan.staged === file ? loan : undefined;
  }

  /** Nothing if there is no file to lend. `staged` is what is written into. */
  lend(from: Lender, staged: StagedFile | undefined, write: boolean): Loan | undefined {
    const lent = from.lend(write);
    if (lent === undefined) return undefined;
    const loan = new Loan(lent, staged, this.#look);
    const last = this.#loan;
    if (last?.isUsed === true && last.backing.key === loan.backing.key && last.staged === staged) {
      lent.release();
      last.use(write);
      return last;
    }
    loan.use(write);
    this.#loan = loan;
    return loan;
  }
}
