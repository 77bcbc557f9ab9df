import type { Backing, FileHandle, OpenMode } from '../vfs/file-system.ts';
import type { Attr, NodeId } from '../vfs/node.ts';

/** State that only few nodes have. */
interface Rare {
  atime?: number | undefined;
  files?: Set<OpenFile> | undefined;
  registered?: RegisteredBacking | undefined;
  unlinkedAttr?: Attr | undefined;
  touched?: number | undefined;
}

/** A backing file with the kernel's id for it and the number of opens that use it. */
interface RegisteredBacking {
  readonly id: number;
  readonly key: string;
  users: number;
}

const UNLINKED = 1;
const RESTLESS = 2;
const LEFT = 4;

/** A node that the kernel knows. There may be a million, so rarely needed state is kept in a separate object. */
export class Inode {
  readonly nodeid: number;
  readonly id: NodeId;
  /** The kernel's lookup count: how often it received the node, less what it has forgotten. */
  lookups = 0;
  /** Version of the content that may be in the kernel's page cache. */
  cached: string | undefined;
  /** Digest of the attributes last sent to the kernel. If the current ones differ, the kernel must be notified. */
  told = 0;
  /** Number of pending requests of the kernel that change it. */
  changing = 0;
  #flags = 0;
  #rare: Rare | undefined;

  constructor(nodeid: number, id: NodeId) {
    this.nodeid = nodeid;
    this.id = id;
  }

  /** The access time, if a program has set it; the port does not store one. */
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

  get registered(): RegisteredBacking | undefined {
    return this.#rare?.registered;
  }

  set registered(registered: RegisteredBacking | undefined) {
    this.#change({ registered });
  }

  /** Its attributes when a request of the kernel removed its name. */
  get unlinkedAttr(): Attr | undefined {
    return this.#rare?.unlinkedAttr;
  }

  set unlinkedAttr(unlinkedAttr: Attr | undefined) {
    this.#change({ unlinkedAttr });
  }

  /** When an attribute was set that the port does not store; the ctime must not be earlier. */
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

  /** True if its content was changed while the kernel knew it, so a reader probably expects further changes. */
  get restless(): boolean {
    return (this.#flags & RESTLESS) !== 0;
  }

  set restless(is: boolean) {
    this.#flag(RESTLESS, is);
  }

  /** True if its node now has another id; programs that have it open keep the old content. */
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

/** A newly opened handle that is about to become an open file. */
export interface Opened {
  readonly handle: FileHandle;
  readonly mode: OpenMode;
  /** Whether this open created or truncated the file. */
  readonly fresh: boolean;
  readonly backing: Backing | undefined;
  /** The process that opened it. */
  readonly pid: number;
}

/** A handle of the port with its number for the kernel. */
export class OpenFile {
  readonly fh: number;
  readonly inode: Inode;
  readonly handle: FileHandle;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly fresh: boolean;
  readonly pid: number;
  /** What the kernel reads and writes by itself. */
  readonly backing: Backing | undefined;
  /** Set if it became a copy of a whole file: the versions of the source and of the copy. */
  copied: { readonly from: string; readonly to: string } | undefined;

  constructor(fh: number, inode: Inode, { handle, mode, fresh, backing, pid }: Opened) {
    this.fh = fh;
    this.inode = inode;
    this.handle = handle;
    this.readable = mode.read;
    this.writable = mode.write;
    this.fresh = fresh;
    this.pid = pid;
    this.backing = backing;
  }
}
