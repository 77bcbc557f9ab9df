import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';

/** A log of this size is set aside at the next start; one older one is kept. */
const LARGE = 10 * 1024 * 1024;

export interface LogFile {
  readonly log: Logger;
  /** Writes what is in memory. The log can still be used. */
  flush(): void;
}

/** Opens a log, one JSON object a line, that only its owner can read. */
export function openLog(folder: string, name: string, level: string): LogFile {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}.log`);
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LARGE) renameSync(path, `${path}.old`);
  const destination = pino.destination({ dest: path, mode: 0o600, sync: false });
  return {
    log: pino({ level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime }, destination),
    flush: () => {
      // Fails only before the file is open, when nothing has been written.
      try {
        destination.flushSync();
      } catch {}
    },
  };
}
