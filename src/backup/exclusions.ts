import ignore, { type Ignore } from 'ignore';
import { FsError } from '../vfs/fs-error.ts';

/** Longest list and longest pattern that a set may have. */
const MOST = 1000;
const LONGEST = 1000;

/** Names that are left out of a mirror, by the patterns of `.gitignore`. */
export class Exclusions {
  readonly exclude: readonly string[];
  readonly #patterns: Ignore | undefined;

  constructor(patterns: readonly string[]) {
    this.exclude = patterns;
    this.#patterns = patterns.length === 0 ? undefined : ignore().add([...patterns]);
  }

  /** @param path relative to the source, not '' */
  excludes(path: string, isFolder: boolean): boolean {
    return this.#patterns?.ignores(isFolder ? `${path}/` : path) ?? false;
  }
}

/** @throws EINVAL */
export function checkPatterns(patterns: readonly string[]): void {
  const wrong = patterns.find((one) => one.trim() === '' || one.length > LONGEST || /[\0\n]/.test(one));
  if (wrong === undefined && patterns.length <= MOST) return;
  throw new FsError('EINVAL', 'exclude', { reason: `${JSON.stringify(wrong ?? 'so many')}: not a pattern to exclude` });
}
