/** How many files of the mirror may be replaced or removed without a question, and which share of all. */
const FREE_FILES = 100;
const FREE_SHARE = 0.5;

export interface MassGuardOptions {
  /** Files in the mirror before the run. */
  readonly files: number;
  /** Files that were replaced or removed a short while ago. */
  readonly recent: number;
  /** A person has allowed it. */
  readonly confirmed: boolean;
  /** A person was asked and has not decided: no file may go. */
  readonly asked: boolean;
}

/**
 * Keeps what destroys a folder, such as ransomware or a wrong disk, from destroying its mirror: once more than half of
 * the files, and more than a hundred, would be replaced or removed, the others are kept until a person decides.
 */
export class MassGuard {
  readonly #options: MassGuardOptions;
  readonly #most: number;
  #lost: number;
  #refused = 0;

  constructor(options: MassGuardOptions) {
    this.#options = options;
    this.#lost = options.recent;
    this.#most = options.asked ? 0 : Math.max(FREE_FILES, options.files * FREE_SHARE);
  }

  get files(): number {
    return this.#options.files;
  }

  /** Replacements that were refused. */
  get refused(): number {
    return this.#refused;
  }

  /** Whether this many more files may go; if they may, they count as gone. */
  admits(files: number): boolean {
    if (!this.#options.confirmed && files > 0 && this.#lost + files > this.#most) return false;
    this.#lost += files;
    return true;
  }

  /** The same for one that is replaced; after the first refusal there is no other answer. */
  admitsReplacement(): boolean {
    if (this.#refused === 0 && this.admits(1)) return true;
    this.#refused += 1;
    return false;
  }
}
