import type { Logger } from 'pino';
import type { HttpRemote } from '../cloud/http-remote.ts';
import type { Gateway } from '../mounts/gateway.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { BackupEngine } from './backup-controls.ts';
import type { DataDir } from './data-dir.ts';

export interface BackupEngineOptions {
  readonly gateway: Gateway;
  readonly remote: HttpRemote;
  readonly dir: DataDir;
  readonly log: Logger;
}

export function backupEngine(_options: BackupEngineOptions): BackupEngine {
  const unknown = (): never => {
    throw new FsError('ENOTSUP', 'backup', { reason: 'this build has no backup engine' });
  };
  return { check: unknown, run: unknown, remove: unknown };
}
