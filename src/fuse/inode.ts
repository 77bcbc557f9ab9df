import type { Backing, FileHandle, OpenMode } from '../vfs/file-system.ts';
import type { Attr, NodeId } from '../vfs/node.ts';

/** What few nodes have. */
interface Rare {
  atime?: number | undefined;
  files?: Set<OpenFile> | undefined;
  lent?: Lent | undefined;
  unlinkedAttr?: Attr | undefined;
  touched?: number | undefined;
}

/** What the kernel passes reads and writes on to, under its number, for so many opens. */
interface Lent {
  readonly id: number;
  readonly key: string;
  users: number;
}

const UNLINKED = 1;
const RESTLESS = 2;
const LEFT = 4;

/** A node that the kernel knows. There may be a million: what is rare is kept apart. */
export class Inode {
  readonly nodeid: number;
  readonly id: NodeId;
  /** How often the kernel was told of it and has not forgotten it. */
  lookups = 0;
  /** The content that the kernel's page cache may hold. */
  cached: string | undefined;
  /** Digest of the attributes that the kernel was last told; when it differs the kernel must hear of it. */
  told = 0;
  /** Requests of the kernel that change it and are not answered yet. */
  changing = 0;
  #flags = 0;
  #rare: Rare | undefined;

  constructor(nodeid: number, id: NodeId) {
    this.nodeid = nodeid;
    this.id = id;
  }

  /** The access time that somebody set; the port keeps none. */
  get atime(): number | undefined {
    return this.#rare?.atime;
  }

  set atime(atime: number | undefined) {
    this.#change({ atime });
  }

  get files(): Set<OpenFile> | undefined {
    return this.#rare?.files;
  }

  set files(files: Set<OpenFile> | undefined) {
    this.#change({ files });
  }

  get lent(): Lent | undefined {
    return this.#rare?.lent;
  }

  set lent(lent: Lent | undefined) {
    this.#change({ lent });
  }

  /** What it was when a request of the kernel took its name away. */
  get unlinkedAttr(): Attr | undefined {
    return this.#rare?.unlinkedAttr;
  }

  set unlinkedAttr(unlinkedAttr: Attr | undefined) {
    this.#change({ unlinkedAttr });
  }

  /** When something of it was set that the port does not keep; its ctime is not before this. */
  get touched(): number | undefined {
    return this.#rare?.touched;
  }

  set touched(touched: number | undefined) {
    this.#change({ touched });
  }

  /** True once its name is gone. */
  get unlinked(): boolean {
    return (this.#flags & UNLINKED) !== 0;
  }

  set unlinked(is: boolean) {
    this.#flag(UNLINKED, is);
  }

  /** Its content was changed while the kernel knew it: who reads it probably waits for more. */
  get restless(): boolean {
    return (this.#flags & RESTLESS) !== 0;
  }

  set restless(is: boolean) {
    this.#flag(RESTLESS, is);
  }

  /** Its node goes on under another number; who has it open stays with what it was. */
  get left(): boolean {
    return (this.#flags & LEFT) !== 0;
  }

  set left(is: boolean) {
    this.#flag(LEFT, is);
  }

  #flag(bit: number, is: boolean): void {
    this.#flags = is ? this.#flags | bit : this.#flags & ~bit;
  }

  #change(change: Rare): void {
    const rare = { ...this.#rare, ...change };
    this.#rare = Object.values(rare).every((value) => value === undefined) ? undefined : rare;
  }
}

/** What becomes an open file. */
export interface Opened {
  readonly handle: FileHandle;
  readonly mode: OpenMode;
  /** It was made, or emptied, by this. */
  readonly fresh: boolean;
  readonly loan: Backing | undefined;
  /** The process that opened it. */
  readonly pid: number;
}

/** A handle of the port that the kernel knows by a number. */
export class OpenFile {
  readonly fh: number;
  readonly inode: Inode;
  readonly handle: FileHandle;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly fresh: boolean;
  readonly pid: number;
  /** What the kernel reads and writes by itself. */
  readonly loan: Backing | undefined;
  /** It was made a copy of a whole file: of that one's version, with that version of its own. */
  copied: { readonly from: string; readonly to: string } | undefined;

  constructor(fh: number, inode: Inode, { handle, mode, fresh, loan, pid }: Opened) {
    this.fh = fh;
    this.inode = inode;
    this.handle = handle;
    this.readable = mode.read;
    this.writable = mode.write;
    this.fresh = fresh;
    this.pid = pid;
    this.loan = loan;
  }
}
