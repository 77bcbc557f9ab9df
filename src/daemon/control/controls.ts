import type { Context } from '../../vfs/context.ts';
import type { FileSystem } from '../../vfs/file-system.ts';
import type {
  ArchiveRemoveBody,
  BackupBody,
  BackupEditBody,
  BackupPauseBody,
  BackupProblem,
  BackupRemoveBody,
  BackupRunBody,
  BackupSet,
  Conflict,
  KeptVersion,
  Listed,
  MountBody,
  Progress,
  PurgeBody,
  RestoreBody,
  Status,
  Trashed,
} from './wire.ts';

export type OnProgress = (progress: Progress) => void;

/** The folders that are mirrored. */
export interface BackupRuns {
  list(): BackupSet[];
  add(body: BackupBody): Promise<BackupSet>;
  edit(body: BackupEditBody): Promise<BackupSet>;
  remove(body: BackupRemoveBody, context: Context): Promise<void>;
  /** Asks for a run, which begins soon. */
  start(body: BackupRunBody): void;
  /** The same, and resolves when all that is there now is in the cloud. Aborting the context does not end the run. */
  run(body: BackupRunBody, onProgress: OnProgress, context: Context): Promise<void>;
  pause(body: BackupPauseBody): Promise<void>;
  resume(body: BackupPauseBody): Promise<void>;
  /** What could not be taken. */
  log(name: string, context: Context): AsyncIterable<BackupProblem>;
}

/** What the control socket can ask of the running program. Every method throws `FsError`. */
export interface Controls {
  /** The drive under the rules that programs meet. */
  readonly fs: FileSystem;
  /** The same for a person who asks for it by name: what is sealed can be read. */
  readonly raw: FileSystem;
  status(): Promise<Status>;
  versions(path: string, context: Context): Promise<KeptVersion[]>;
  /** An older version's content. */
  readVersion(path: string, version: string, context: Context): Promise<[Listed, AsyncIterable<Uint8Array>]>;
  restore(body: RestoreBody, context: Context): Promise<void>;
  trash(context: Context): AsyncIterable<Trashed>;
  restoreTrash(node: string, context: Context): Promise<void>;
  /** `password`: the account's, for what comes from /Archive or from another computer's backup. */
  purgeTrash(body: PurgeBody, context: Context): Promise<void>;
  conflicts(): Promise<Conflict[]>;
  /** Tries parked changes again; answers how many. */
  retry(): number;
  /** Lets held changes go ahead; answers how many. */
  confirm(): number;
  /** Answers when everything under the path is in the cloud. */
  flush(path: string, onProgress: OnProgress, context: Context): Promise<void>;
  readonly backups: BackupRuns;
  removeArchived(body: ArchiveRemoveBody, context: Context): Promise<void>;
  /** Mounts the drive on a folder, named by its absolute path; answers the real path. */
  mount(body: MountBody): Promise<string>;
  /** Answers where it was mounted. `lazy`: even while somebody uses it. */
  unmount(lazy: boolean): Promise<string>;
  /** Ends the program soon. Answers the process to wait for. */
  leave(): number;
}
