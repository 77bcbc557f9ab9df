import { EXPIRE_ONLY } from './wire/flags.ts';
import { Notify } from './wire/opcode.ts';
import { DeleteOut, InvalEntryOut, InvalInodeOut, OutHeader, PruneOut } from './wire/structs.ts';

/** Sends notifications to the kernel, one after another, and never with a blocking call of this thread. */
export class Notifier {
  readonly #send: (message: Buffer) => Promise<void>;
  readonly #queue = new Map<string, Buffer>();
  #running: Promise<void> | undefined;

  /** @param send resolves when the kernel has accepted the message; must not throw */
  constructor(send: (message: Buffer) => Promise<void>) {
    this.#send = send;
  }

  /**
   * Makes the kernel drop the attributes of a node, and with `content` also its pages (for a folder: the cached
   * listing).
   */
  inode(nodeid: number, content: boolean): void {
    const message = header(Notify.INVAL_INODE, InvalInodeOut.size);
    // A negative offset means attributes only; a length of 0 means to the end.
    InvalInodeOut.encode({ ino: nodeid, off: content ? 0 : -1, len: 0 }, message, OutHeader.size);
    this.#add(`${content ? 'c' : 'a'}${nodeid}`, message);
  }

  /** Makes the kernel drop a name, or, with `expire`, look it up again before using it. */
  entry(folder: number, name: string, expire: boolean): void {
    const bytes = Buffer.from(name);
    const message = header(Notify.INVAL_ENTRY, InvalEntryOut.size + bytes.length + 1);
    const flags = expire ? EXPIRE_ONLY : 0;
    InvalEntryOut.encode({ parent: folder, namelen: bytes.length, flags }, message, OutHeader.size);
    bytes.copy(message, OutHeader.size + InvalEntryOut.size);
    this.#add(`e${folder}/${name}`, message);
  }

  /**
   * Reports that the node with this name was removed, so that watchers are notified. Another node with the name is not
   * affected.
   */
  removed(folder: number, name: string, node: number): void {
    const bytes = Buffer.from(name);
    const message = header(Notify.DELETE, DeleteOut.size + bytes.length + 1);
    DeleteOut.encode({ parent: folder, child: node, namelen: bytes.length }, message, OutHeader.size);
    bytes.copy(message, OutHeader.size + DeleteOut.size);
    this.#add(`d${node}/${folder}/${name}`, message);
  }

  /** Asks the kernel to forget the nodes, except those that it needs. */
  prune(nodeids: readonly number[]): void {
    const message = header(Notify.PRUNE, PruneOut.size + 8 * nodeids.length);
    PruneOut.encode({ count: nodeids.length }, message, OutHeader.size);
    for (const [i, nodeid] of nodeids.entries()) {
      message.writeBigUInt64LE(BigInt(nodeid), OutHeader.size + PruneOut.size + 8 * i);
    }
    this.#add(`p${nodeids[0]}`, message);
  }

  /** Resolves when all notifications have been sent. */
  async flushed(): Promise<void> {
    await this.#running;
  }

  #add(key: string, message: Buffer): void {
    this.#queue.set(key, message);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    for (const [key, message] of this.#queue) {
      this.#queue.delete(key);
      await this.#send(message);
    }
    this.#running = undefined;
  }
}

function header(code: number, length: number): Buffer {
  const message = Buffer.alloc(OutHeader.size + length);
  OutHeader.encode({ len: message.length, error: code, unique: 0 }, message, 0);
  return message;
}
