/** The message of an error; of one of node:fs without the syscall and the path, which may be that of a descriptor. */
export function wordsOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // `EACCES: permission denied, open '/proc/self/fd/47/name'`; the properties of errors do not survive every thread.
  return /^(E[A-Z0-9]+: [^,]+), [a-z]/.exec(message)?.[1] ?? message;
}
