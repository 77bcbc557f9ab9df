import type { FileHandle } from '../vfs/file-system.ts';
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

  constructor(nodeid: number, id: NodeId) {
    this.nodeid = nodeid;
    this.id = id;
  }
}

/** A handle of the port that the kernel knows by a number. */
export class OpenFile {
  readonly fh: number;
  readonly inode: Inode;
  readonly handle: FileHandle;
  readonly writable: boolean;
  /** It was made a copy of a whole file: of that one's version, with that version of its own. */
  copied: { readonly from: string; readonly to: string } | undefined;

  constructor(fh: number, inode: Inode, handle: FileHandle, writable: boolean) {
    this.fh = fh;
    this.inode = inode;
    this.handle = handle;
    this.writable = writable;
  }
}
