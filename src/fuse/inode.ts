import type { Backing, FileHandle, OpenMode } from '../vfs/file-system.ts';
import type { NodeId } from '../vfs/node.ts';

/** A node that the kernel knows. */
export class Inode {
  readonly nodeid: number;
  readonly id: NodeId;
  /** How often the kernel was told of it and has not forgotten it. */
  lookups = 0;
  /** The content that the kernel's page cache may hold. */
  cached: string | undefined;
  /** Digest of the attributes that the kernel was last told; when it differs the kernel must hear of it. */
  told = 0;
  /** The access time that somebody set; the port keeps none. */
  atime: number | undefined;
  /** True once its name is gone. */
  unlinked = false;
  /** Requests of the kernel that change it and are not answered yet. */
  changing = 0;
  files: Set<OpenFile> | undefined;
  /** What the kernel passes reads and writes on to, under its number, for so many opens. */
  lent: { readonly id: number; readonly key: string; users: number } | undefined;
  /** Its content was changed while the kernel knew it: who reads it probably waits for more. */
  restless = false;
  /** Its node goes on under another number; who has it open stays with what it was. */
  left = false;

  constructor(nodeid: number, id: NodeId) {
    this.nodeid = nodeid;
    this.id = id;
  }
}

/** What becomes an open file. */
export interface Opened {
  readonly handle: FileHandle;
  readonly mode: OpenMode;
  /** It was made, or emptied, by this. */
  readonly fresh: boolean;
  readonly loan: Backing | undefined;
}

/** A handle of the port that the kernel knows by a number. */
export class OpenFile {
  readonly fh: number;
  readonly inode: Inode;
  readonly handle: FileHandle;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly fresh: boolean;
  /** What the kernel reads and writes by itself. */
  readonly loan: Backing | undefined;
  /** It was made a copy of a whole file: of that one's version, with that version of its own. */
  copied: { readonly from: string; readonly to: string } | undefined;

  constructor(fh: number, inode: Inode, { handle, mode, fresh, loan }: Opened) {
    this.fh = fh;
    this.inode = inode;
    this.handle = handle;
    this.readable = mode.read;
    this.writable = mode.write;
    this.fresh = fresh;
    this.loan = loan;
  }
}
