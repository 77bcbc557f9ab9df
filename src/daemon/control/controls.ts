import type { Context } from '../../vfs/context.ts';
import type { FileSystem } from '../../vfs/file-system.ts';
import type {
  ArchiveRemoveBody,
  KeptVersion,
  Listed,
  PurgeBody,
  RestoreBody,
  Trashed,
  TrashFilterBody,
  TrashRestored,
} from './file-wire.ts';
import type {
  AcceptBody,
  BackupBody,
  BackupEditBody,
  BackupPauseBody,
  BackupProblem,
  BackupRemoveBody,
  BackupRestoreBody,
  BackupRunBody,
  BackupSet,
  BackupVerifyBody,
  Conflict,
  FolderAddBody,
  FolderBody,
  Freed,
  LeaveBody,
  Limits,
  LimitsBody,
  MountBody,
  OpenIssue,
  PinBody,
  Pinned,
  Progress,
  Proof,
  ResolveBody,
  Restored,
  RevokeBody,
  LinkBody,
  Linked,
  ShareBody,
  Shared,
  UnlinkBody,
  Status,
  SyncedFolder,
  VerifyReport,
} from './wire.ts';

export type OnProgress = (progress: Progress) => void;

/** The mirrored folders and their runs. */
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
  /** Compares the folder with its mirror; the last report of progress says how much was compared. */
  verify(body: BackupVerifyBody, context: Context): AsyncIterable<VerifyReport>;
  /** Gets a set back into a folder of this computer; the last value says what has come. */
  restore(body: BackupRestoreBody, context: Context): AsyncIterable<{ progress: Progress } | { restored: Restored }>;
  /** What could not be taken. */
  log(name: string, context: Context): AsyncIterable<BackupProblem>;
}

/** The folders that the account shares with others. */
export interface SharedFolders {
  list(context: Context): Promise<Shared[]>;
  share(body: ShareBody, context: Context): Promise<Shared>;
  accept(body: AcceptBody, context: Context): Promise<Shared>;
  decline(body: AcceptBody, context: Context): Promise<void>;
  leave(body: LeaveBody, context: Context): Promise<void>;
  revoke(body: RevokeBody, context: Context): Promise<void>;
}

/** What is kept on this computer. */
export interface Pinning {
  list(): Pinned;
  /** Resolves to what is pinned then; its content comes in the background. */
  pin(body: PinBody, context: Context): Promise<Pinned>;
  /** Removes cached content from the disk. */
  free(path: string, context: Context): Promise<Freed>;
}

/** Addresses that open files and folders without an account. */
export interface PublicLinks {
  list(context: Context): Promise<Linked[]>;
  link(body: LinkBody, context: Context): Promise<Linked>;
  /** Resolves to the number of links that have ended. */
  unlink(body: UnlinkBody, context: Context): Promise<number>;
}

/** Everything that needs a person. */
export interface IssueList {
  list(context: Context): Promise<OpenIssue[]>;
  /** @throws ENOENT if there is no such issue; EINVAL if it cannot be resolved in this way */
  resolve(body: ResolveBody, context: Context): Promise<void>;
}

/** The local folders that are synced. */
export interface SyncedFolders {
  list(): SyncedFolder[];
  add(body: FolderAddBody, context: Context): Promise<SyncedFolder>;
  remove(body: FolderBody): Promise<void>;
  pause(body: FolderBody): Promise<void>;
  resume(body: FolderBody): Promise<void>;
}

/** The operations of the running program that the control socket offers. Every method throws `FsError`. */
export interface Controls {
  /** The drive under the rules that apply to programs. */
  readonly fs: FileSystem;
  /** The drive for commands of the user, which can read sealed files, too. */
  readonly raw: FileSystem;
  status(): Promise<Status>;
  versions(path: string, context: Context): Promise<KeptVersion[]>;
  /** The content of an older version. */
  readVersion(path: string, version: string, context: Context): Promise<[Listed, AsyncIterable<Uint8Array>]>;
  restore(body: RestoreBody, context: Context): Promise<void>;
  trash(context: Context): AsyncIterable<Trashed>;
  restoreTrash(node: string, context: Context): Promise<void>;
  restoreRemoved(filter: TrashFilterBody, context: Context): Promise<TrashRestored>;
  /** @param body with the account's password if an item comes from /Archive or from another computer's backup */
  purgeTrash(body: PurgeBody, context: Context): Promise<void>;
  conflicts(): Promise<Conflict[]>;
  /** Retries parked changes. Returns their number. */
  retry(): number;
  /** Proves that the drive is what the cloud has, and repairs it. */
  verify(): Promise<Proof>;
  /** Confirms held changes. Returns their number. */
  confirm(): number;
  /** Resolves when everything below the path is in the cloud. */
  flush(path: string, onProgress: OnProgress, context: Context): Promise<void>;
  limits(): Limits;
  /** @throws EINVAL */
  setLimits(body: LimitsBody): Promise<Limits>;
  readonly backups: BackupRuns;
  readonly shares: SharedFolders;
  readonly folders: SyncedFolders;
  readonly pins: Pinning;
  readonly links: PublicLinks;
  readonly issues: IssueList;
  /** An address of the status page that signs a browser in, once. @throws ENOENT if the page was not built */
  openPage(): string;
  removeArchived(body: ArchiveRemoveBody, context: Context): Promise<void>;
  /** Mounts the drive on a folder, given by its absolute path. Resolves to the real path. */
  mount(body: MountBody): Promise<string>;
  /** Resolves to the former mount point. @param lazy unmounts even while programs use the mount */
  unmount(lazy: boolean): Promise<string>;
  /** Ends the program soon. Returns the id of the process to wait for. */
  leave(): number;
}
