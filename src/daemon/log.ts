import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';

/** Size in bytes after which a log is rotated; one older file is kept. */
const LARGE = 10 * 1024 * 1024;

export interface LogFile {
  readonly log: Logger;
  /** Writes buffered lines. The log can still be used afterwards. */
  flush(): void;
}

/**
 * Opens a log file of JSON lines that only its owner can read. Beyond `large` bytes the file is renamed to
 * `NAME.log.old` and a new one is started.
 */
export function openLog(folder: string, name: string, level: string, large = LARGE): LogFile {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${name}.log`);
  let size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const destination = pino.destination({ dest: path, mode: 0o600, sync: false });
  // If the disk is full or gone, lines are lost; the program must keep running.
  destination.on('error', () => undefined);
  destination.on('write', (count: number) => {
    size += count;
    if (size < large) return;
    size = 0;
    // A log that cannot be renamed keeps growing.
    try {
      renameSync(path, `${path}.old`);
      destination.reopen(path);
    } catch {}
  });
  return {
    log: pino({ level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime }, destination),
    flush: () => {
      // Fails only before the file has been opened, when nothing has been written.
      try {
        destination.flushSync();
      } catch {}
    },
  };
}
