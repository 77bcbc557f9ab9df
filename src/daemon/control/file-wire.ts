import { Type, type Static } from 'typebox';

/** The requests and responses about files of the drive, as `wire.ts` says. */

export const Path = Type.String({ minLength: 1 });

export const PathQuery = Type.Object({ path: Path });
export type PathQuery = Static<typeof PathQuery>;

export const ListQuery = Type.Object({ path: Path, recursive: Type.Optional(Type.Boolean()) });
export type ListQuery = Static<typeof ListQuery>;

export const ReadQuery = Type.Object({
  path: Path,
  version: Type.Optional(Type.String()),
  /** Whether to read sealed files of the Archive, too, which the drive's rules do not let programs read. */
  sealed: Type.Optional(Type.Boolean()),
});
export type ReadQuery = Static<typeof ReadQuery>;

export const WriteQuery = Type.Object({
  path: Path,
  mode: Type.Optional(Type.Integer({ minimum: 0, maximum: 0o7777 })),
  mtime: Type.Optional(Type.Number()),
});
export type WriteQuery = Static<typeof WriteQuery>;

export const SymlinkBody = Type.Object({ path: Path, target: Type.String({ minLength: 1 }) });
export type SymlinkBody = Static<typeof SymlinkBody>;

export const CopyBody = Type.Object({ path: Path, to: Path, recursive: Type.Optional(Type.Boolean()) });
export type CopyBody = Static<typeof CopyBody>;

/** What a copy inside the drive did; `failures` names members that could not be copied. */
export interface Copied {
  readonly nodes: number;
  readonly failures: readonly { readonly path: string; readonly reason: string }[];
}

export const RestoreBody = Type.Object({ path: Path, version: Type.String({ minLength: 1 }) });
export type RestoreBody = Static<typeof RestoreBody>;

export const TrashBody = Type.Object({ node: Type.String({ minLength: 1 }) });
export type TrashBody = Static<typeof TrashBody>;

/** Everything in the Trash that this computer or person has removed, and since then. */
export const TrashFilterBody = Type.Object({
  by: Type.Optional(Type.String({ minLength: 1 })),
  /** ms */
  since: Type.Optional(Type.Number()),
});
export type TrashFilterBody = Static<typeof TrashFilterBody>;

export interface TrashRestored {
  readonly items: number;
  readonly failures: readonly { readonly path: string; readonly reason: string }[];
}

export const PurgeBody = Type.Object({
  node: Type.String({ minLength: 1 }),
  password: Type.Optional(Type.String({ minLength: 1 })),
});
export type PurgeBody = Static<typeof PurgeBody>;

export const ArchiveRemoveBody = Type.Object({ path: Path, password: Type.String({ minLength: 1 }) });
export type ArchiveRemoveBody = Static<typeof ArchiveRemoveBody>;

/** A file or folder in a listing. */
export interface Listed {
  readonly path: string;
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'symlink';
  readonly size: number;
  readonly mode: number;
  readonly mtime: number;
  readonly version: string;
  /** Of a file: where its content is (`factsOf` has the values). */
  readonly availability?: string;
  /** Whether the content of the file, or of all in the folder, is to be kept on this computer. */
  readonly pinned?: true;
  /** The target of a symlink. */
  readonly target?: string;
}

export interface KeptVersion {
  readonly id: string;
  readonly size: number;
  readonly mtime: number;
  readonly created: number;
  readonly current: boolean;
}

export interface Trashed {
  readonly node: string;
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'symlink';
  readonly size: number;
  readonly files: number;
  readonly removed: number;
  readonly expires: number;
  /** Who has removed it: the name of a computer, or the e-mail address of a person. */
  readonly by?: string;
}
