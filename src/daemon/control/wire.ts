import { Type, type Static } from 'typebox';
import { Path } from './file-wire.ts';

/**
 * The requests and responses of the control socket: JSON, and streams of JSON lines (`lines.ts`). Paths are those in
 * the drive, beginning with '/'; times are milliseconds since 1970. Those about files are in `file-wire.ts`; the rest build on each other, a line or two each.
 */

const SetName = Type.String({ minLength: 1 });
const BackupRules = {
  schedule: Type.Optional(Type.String()),
  exclude: Type.Optional(Type.Array(Type.String())),
  oneFileSystem: Type.Optional(Type.Boolean()),
  /** A command, or the URL of a webhook; empty: as in the settings. */
  onFailure: Type.Optional(Type.String()),
};

export const BackupBody = Type.Object({
  folder: Type.String({ minLength: 1 }),
  name: Type.Optional(Type.String()),
  /** A file in the folder may name its volume, if nothing else does. */
  marker: Type.Optional(Type.Boolean()),
  ...BackupRules,
});
export type BackupBody = Static<typeof BackupBody>;

/** What is absent stays as it is. */
export const BackupEditBody = Type.Object({ name: SetName, ...BackupRules });
export type BackupEditBody = Static<typeof BackupEditBody>;

export const BackupRunBody = Type.Object({
  name: SetName,
  /** Replaces and removes what a run has stopped at. */
  confirm: Type.Boolean(),
  /** Puts right everything that was changed in the cloud. */
  repair: Type.Optional(Type.Boolean()),
});
export type BackupRunBody = Static<typeof BackupRunBody>;

export const BackupRemoveBody = Type.Object({
  name: SetName,
  /** The mirror stays in the cloud as it is. */
  keep: Type.Optional(Type.Boolean()),
});
export type BackupRemoveBody = Static<typeof BackupRemoveBody>;

/** Without a name: all sets. */
export const BackupPauseBody = Type.Object({
  name: Type.Optional(SetName),
  /** For how long, ms; until it is resumed if absent. */
  duration: Type.Optional(Type.Number({ minimum: 1 })),
});
export type BackupPauseBody = Static<typeof BackupPauseBody>;

export const BackupVerifyBody = Type.Object({
  name: SetName,
  /** Of how many of the files, 0 to 1, the content is read on both sides. */
  share: Type.Number({ minimum: 0, maximum: 1 }),
});
export type BackupVerifyBody = Static<typeof BackupVerifyBody>;

export const BackupRestoreBody = Type.Object({
  name: SetName,
  /** Of this computer, absolute; the set comes into a folder in it that has the name of the set. */
  folder: Type.String({ minLength: 1 }),
});
export type BackupRestoreBody = Static<typeof BackupRestoreBody>;

/** What has come back: files and symlinks, those that were there already and stayed, and what could not be had. */
export interface Restored {
  /** The folder into which it came. */
  readonly target: string;
  readonly files: number;
  readonly kept: number;
  readonly missed: number;
  /** Of what is missing. */
  readonly first?: { readonly path: string; readonly reason: string };
}

export const BackupName = Type.Object({ name: SetName });
export type BackupName = Static<typeof BackupName>;

/** A local folder, absolute. */
export const FolderBody = Type.Object({ folder: Type.String({ minLength: 1 }) });
export type FolderBody = Static<typeof FolderBody>;

export const FolderAddBody = Type.Object({
  folder: Type.String({ minLength: 1 }),
  /** Of the drive. */
  remote: Type.Optional(Path),
  exclude: Type.Optional(Type.Array(Type.String())),
  only: Type.Optional(Type.Array(Path)),
});
export type FolderAddBody = Static<typeof FolderAddBody>;

export const ShareBody = Type.Object({
  path: Path,
  email: Type.String({ minLength: 1 }),
  role: Type.Enum(['editor', 'viewer']),
});
export type ShareBody = Static<typeof ShareBody>;

/** An invitation, by its name or id. */
export const AcceptBody = Type.Object({ share: Type.String({ minLength: 1 }) });
export type AcceptBody = Static<typeof AcceptBody>;

export const LeaveBody = Type.Object({ path: Path, forAll: Type.Boolean() });
export type LeaveBody = Static<typeof LeaveBody>;

/** Without an e-mail address: from all. */
export const RevokeBody = Type.Object({ path: Path, email: Type.Optional(Type.String({ minLength: 1 })) });
export type RevokeBody = Static<typeof RevokeBody>;

export const LinkBody = Type.Object({
  path: Path,
  upload: Type.Optional(Type.Boolean()),
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
  /** ms since 1970 UTC */
  expires: Type.Optional(Type.Number()),
});
export type LinkBody = Static<typeof LinkBody>;

/** Links by the path that they open, or one by its address or id. */
export const UnlinkBody = Type.Object({ link: Type.String({ minLength: 1 }) });
export type UnlinkBody = Static<typeof UnlinkBody>;

/** A limit per direction as a person writes it (`daemon/limits/timetable.ts`), or `default`: as in the settings. Absent: as before. */
export const LimitsBody = Type.Object({ up: Type.Optional(Type.String()), down: Type.Optional(Type.String()) });
export type LimitsBody = Static<typeof LimitsBody>;

/** The limit as it was written, and the rate at the moment, bytes per second, if there is one. */
export interface Limit {
  readonly limit: string;
  readonly rate?: number;
  /** When another rate will hold, ms since 1970, by the time of day; null: without a limit. */
  readonly next?: { readonly at: number; readonly rate: number | null };
}

/** Of everything that is transferred to and from the cloud. */
export interface Limits {
  readonly up: Limit;
  readonly down: Limit;
}

export const MountBody = Type.Object({
  dir: Type.String({ minLength: 1 }),
  /** Absent options are taken from the settings. */
  driver: Type.Optional(Type.Union([Type.Literal('kernel'), Type.Literal('native')])),
  passthrough: Type.Optional(Type.Boolean()),
  xattr: Type.Optional(Type.Boolean()),
});
export type MountBody = Static<typeof MountBody>;

export const PinBody = Type.Object({ path: Path, pinned: Type.Boolean() });
export type PinBody = Static<typeof PinBody>;

/** What is pinned, and how far it is on this computer. Equal contents count once. */
export interface Pinned extends Amount {
  readonly paths: readonly string[];
  /** Of these: what is still to come. */
  readonly missing: Amount;
  /** Of what is missing: what the cache has no room for, and the first of these files. */
  readonly unfit: Amount & { readonly first?: string };
  /** Files that could not be fetched, for reasons of their own, and the first of them. */
  readonly failed: { readonly files: number; readonly first?: string };
}

/** Files and bytes that have left the disk, and files that stay: pinned, not in the cloud yet, or open. */
export interface Freed extends Amount {
  readonly pinned: number;
  readonly unsent: number;
  readonly open: number;
}

export const UnmountBody = Type.Object({ lazy: Type.Boolean() });
export type UnmountBody = Static<typeof UnmountBody>;

export const DownBody = Type.Object({ drain: Type.Boolean() });
export type DownBody = Static<typeof DownBody>;

export interface Amount {
  readonly files: number;
  readonly bytes: number;
}

/** Progress of an upload, a backup or a flush. */
export interface Progress {
  readonly done: Amount;
  readonly total: Amount;
  readonly current?: string;
  /** Reasons for waiting, other than the work itself. */
  readonly waits?: readonly Wait[];
}

/** `offline`: no cloud; `busy`: `path` in /Archive is open or locked; `parked`: it cannot be sent, for a `reason`. */
export interface Wait {
  readonly why: 'offline' | 'busy' | 'parked';
  /** How many changes wait for this reason. */
  readonly count: number;
  readonly path?: string;
  readonly reason?: string;
}

/** A change that the cloud refuses, until its reason is removed and it is retried. */
export interface Parked {
  readonly path: string;
  readonly code: string;
  readonly reason: string;
  readonly at: number;
}

export interface Conflict {
  /** The conflict copy that this computer created. */
  readonly path: string;
  /** The file with the original name, which has the cloud's version. */
  readonly original: string;
  readonly at: number;
}

/** A change made elsewhere that would remove so much that it needs confirmation. */
export interface Held {
  readonly space: string;
  readonly files: number;
}

/** Something in the cloud that cannot be shown here, or that is lost. */
export interface Issue {
  readonly path: string;
  readonly reason: string;
  readonly at: number;
}

/** Something that needs a person, or, as advice, that may not work on other systems. */
export interface OpenIssue {
  /** Stays the same as long as the issue is about the same thing. */
  readonly id: string;
  readonly kind:
    | 'conflict'
    | 'parked'
    | 'held'
    | 'unshown'
    | 'rescued'
    | 'invitation'
    | 'session'
    | 'disk'
    | 'quota'
    | 'backup'
    | 'folder'
    | 'pin'
    | 'name'
    | 'mount'
    | 'damage'
    | 'stuck';
  readonly advice?: true;
  /** In the drive; of a backup, a synced folder or a mount, on this computer. */
  readonly path?: string;
  readonly cause: string;
  readonly remedy: string;
  /** Of an issue about a name: one that every system can have. */
  readonly better?: string;
  /** For a shell; absent if no command helps. */
  readonly command?: string;
  readonly at?: number;
}

export const ResolveBody = Type.Object({
  id: Type.String({ minLength: 1 }),
  keep: Type.Optional(Type.Enum(['mine', 'theirs', 'both'])),
  rename: Type.Optional(Type.String({ minLength: 1 })),
});
export type ResolveBody = Static<typeof ResolveBody>;

/** A shared folder, or an invitation to one. */
export interface Shared {
  readonly id: string;
  readonly name: string;
  /** Where the drive shows it. */
  readonly path?: string;
  readonly owner: string;
  readonly role: 'owner' | 'editor' | 'viewer';
  readonly accepted: boolean;
  readonly members: readonly {
    readonly email: string;
    readonly role: 'owner' | 'editor' | 'viewer';
    readonly accepted: boolean;
  }[];
}

/** A public link. */
export interface Linked {
  readonly id: string;
  readonly url: string;
  readonly name: string;
  /** Where the drive shows what it opens. */
  readonly path?: string;
  readonly upload: boolean;
  readonly password: boolean;
  /** E-mail of its maker. */
  readonly by: string;
  readonly expires?: number;
  readonly active: boolean;
}

export interface BackupSet {
  readonly name: string;
  readonly folder: string;
  readonly schedule: string;
  readonly exclude: readonly string[];
  readonly oneFileSystem: boolean;
  /** When all was in the cloud last. */
  readonly finished?: number;
  /** Since when it has not been complete for longer than its schedule allows. */
  readonly overdue?: number;
  /** Its own hook for failures: a command or a URL. */
  readonly onFailure?: string;
  /** When the mirror was last compared with the folder, and how much damage was found. */
  readonly verified?: { readonly at: number; readonly damaged: number };
  /** How many files and folders could not be taken; without what has no content, such as sockets. */
  readonly problems: number;
  readonly state: BackupState;
}

/**
 * - `running`, and waiting for a disk that has not answered for `silent` ms, if that is there; `watching` for changes, or, for the reason in `scanning`, comparing everything from time to time
 * - `waiting` for the schedule, or for a person if there is no `next`; `paused` by a person
 * - `deferred`: for a `reason` outside, such as the battery, unless a person asks for a run
 * - `halted`: nothing is removed or replaced until a person says `fjord confirm`; or until the `disk` is back, or a
 *   `run --confirm` says that it is
 * - `failing`: tries again at `next`; `offline`: the cloud cannot be reached
 */
export type BackupState =
  | { readonly doing: 'running'; readonly progress?: Progress; readonly silent?: number }
  | { readonly doing: 'watching'; readonly scanning?: string }
  | { readonly doing: 'waiting'; readonly next?: number }
  | { readonly doing: 'paused'; readonly until?: number }
  | { readonly doing: 'deferred'; readonly reason: string }
  | { readonly doing: 'halted'; readonly reason: string; readonly ends: 'confirm' | 'run' | 'disk' }
  | { readonly doing: 'failing'; readonly reason: string; readonly next: number; readonly offline?: boolean };

/**
 * What a synced folder waits for. `gone`: the local folder; `remote-gone`: that of the drive; `full`: room on a disk; `removal`: a person
 * who confirms that most files are removed.
 */
export type FolderWait = 'gone' | 'remote-gone' | 'full' | 'removal';

/** A local folder that is synced with a folder of the drive. */
export interface SyncedFolder {
  readonly folder: string;
  /** Of the drive. */
  readonly remote: string;
  readonly exclude: readonly string[];
  readonly only: readonly string[];
  /** How many paths cannot be synced, and the first of them. */
  readonly problems: number;
  readonly named: readonly { readonly path: string; readonly reason: string }[];
  /**
   * `watching`: both sides are alike. `offline`: some content has to wait for the cloud. `halted`: until `fjord confirm`, or until the
   * reason is over.
   */
  readonly state:
    | { readonly doing: 'syncing' | 'paused' | 'offline' }
    | { readonly doing: 'watching'; readonly scanning?: string }
    | {
        readonly doing: 'halted';
        readonly reason: string;
        readonly ends: 'confirm' | 'itself';
        readonly why: FolderWait;
      }
    | { readonly doing: 'failing'; readonly reason: string };
}

/** When the drive was last proven to be what the cloud has, and when something was repaired. */
export interface VerifiedState {
  readonly at?: number;
  /** Files and folders that were compared then. */
  readonly nodes?: number;
  readonly repaired?: { readonly at: number; readonly entries: number };
  readonly running: boolean;
  /** Why the last comparison has proven nothing. */
  readonly problem?: string;
}

/** The result of a comparison of the drive with the cloud. */
export interface Proof {
  readonly nodes: number;
  /** Entries that were wrong and are right now. */
  readonly repaired: number;
  /** Why something could not be compared, or repaired. */
  readonly problem?: string;
}

/** What a verification says as it goes. */
export type VerifyReport =
  { readonly finding: VerifyFinding } | { readonly progress: { readonly files: number; readonly bytes: number } };

/** A difference between a folder and its mirror. `changed`: the folder has changed since the last run. `damage`: all else. */
export interface VerifyFinding {
  readonly path: string;
  readonly what: 'only in the folder' | 'only in the cloud' | 'different' | 'unreadable';
  readonly cause: 'changed' | 'damage';
  readonly reason: string;
}

/** A file or folder that is not in the mirror. */
export interface BackupProblem {
  /** Relative to the source. */
  readonly path: string;
  readonly reason: string;
  readonly at: number;
  /** It has no content to keep. */
  readonly skipped?: boolean;
}

export interface Status {
  readonly pid: number;
  readonly started: number;
  readonly version: string;
  readonly dir: string;
  readonly account: string;
  readonly device: string;
  readonly cloud: {
    readonly url: string;
    /**
     * `live`: changes arrive at once. `polling`: the cloud is queried every few seconds. `offline`: cached content is
     * available, writes are queued.
     */
    readonly state: 'live' | 'polling' | 'offline';
    /** Why the state is not `live`. */
    readonly reason?: string;
    /** Since when it is `offline`. */
    readonly since?: number;
    /** The last comparison of the drive with the cloud. */
    readonly verified: VerifiedState;
  };
  readonly webdav: { readonly url: string; readonly user: string; readonly engine: string };
  /** The mount point, or null if the drive is not mounted. */
  readonly mount: string | null;
  /** Why the drive is not mounted although it should be. */
  readonly mountProblem?: { readonly dir: string; readonly reason: string };
  /** The number of changes that are not in the cloud yet, and the bytes of their content. */
  readonly queued: Amount;
  /** The first ones; see the count for all. */
  readonly parked: readonly Parked[];
  readonly parkedCount: number;
  /** Number of changes that can be sent only after a parked one. */
  readonly behindParked: number;
  /** The path of a change that is not sent although nothing prevents it, which is a bug in Fjord. */
  readonly stuck?: string;
  readonly backups: readonly BackupSet[];
  readonly folders: readonly SyncedFolder[];
  readonly limits: Limits;
  /** Bytes of requests and responses since the start. */
  readonly transferred: { readonly up: number; readonly down: number };
  /** How many things `fjord issues` lists. */
  readonly open: { readonly issues: number; readonly advice: number };
  readonly conflicts: number;
  readonly held: readonly Held[];
  /** The first ones; see the count for all. */
  readonly issues: readonly Issue[];
  readonly issueCount: number;
  readonly cache: { readonly used: number; readonly limit: number };
  readonly pins: Pinned;
  readonly usage?: { readonly quota: number; readonly used: number };
  /** Blocks of the account that the cloud has found damaged, if there are any. */
  readonly damaged?: number;
}

/** The last line of a `down`: the changes that are not in the cloud yet, and the process to wait for. */
export interface Leaving {
  readonly leaving: number;
  readonly queued: Amount;
}
