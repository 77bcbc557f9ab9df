import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';

/** Bytes after which a log is set aside; one older one is kept. */
const LARGE = 10 * 1024 * 1024;

export interface LogFile {
  readonly log: Logger;
  /** Writes what is in memory. The log can still be used. */
  flush(): void;
}

/**
 * Opens a log, one JSON object a line, that only its owner can read. Beyond `large` bytes the file is renamed to `NAME.log.old`
 * and a new one is begun.
 */
export function openLog(folder: string, name: string, level: string, large = LARGE): LogFile {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}.log`);
  let size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const destination = pino.destination({ dest: path, mode: 0o600, sync: false });
  // A disk that is full or gone takes no lines; what runs goes on without them.
  destination.on('error', () => undefined);
  destination.on('write', (count: number) => {
    size += count;
    if (size < large) return;
    size = 0;
    // A log that cannot be renamed goes on to grow.
    try {
      renameSync(path, `${path}.old`);
      destination.reopen(path);
    } catch {}
  });
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
