import { fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { background, type Awaitable } from '../vfs/context.ts';
import type { Backing, FileHandle } from '../vfs/file-system.ts';
import type { NodeId } from '../vfs/node.ts';
import type { OpenFile } from './inode.ts';

const readAt = promisify(read);
const STEP = 1 << 20;
const PAGE = 4096;

/** An open backing file whose node became a copy, and which of its own bytes are carried over. */
interface Copied {
  readonly file: OpenFile;
  /** Size and time when its bytes were last carried over. */
  carried: string;
  carrying: Promise<void> | undefined;
}

/**
 * Files that were opened empty with passthrough and then became copies of others by reference. What is written afterwards is
 * only in the backing file. It is carried over to the copy page by page, without the zeros around it, before anything else
 * sees the file and at the close.
 */
export class CarryOver {
  readonly #copies = new Map<NodeId, Set<Copied>>();

  /** The file is a copy from now on. */
  add(file: OpenFile): void {
    if (file.backing === undefined) return;
    const { id } = file.inode;
    const copies = this.#copies.get(id) ?? new Set();
    this.#copies.set(id, copies.add({ file, carried: '', carrying: undefined }));
  }

  /** What was written so far can be read through the port when this resolves. */
  bring(node: NodeId): Awaitable<void> {
    const copies = this.#copies.get(node);
    if (copies === undefined) return;
    const carried = [...copies].flatMap((copied) => this.#carry(copied) ?? []);
    if (carried.length > 0) return Promise.all(carried).then(() => {});
  }

  /** The file is about to be closed. */
  end(file: OpenFile): Awaitable<void> {
    const { id } = file.inode;
    const copies = this.#copies.get(id);
    const copied = [...(copies ?? [])].find((one) => one.file === file);
    if (copies === undefined || copied === undefined) return;
    const forget = (): void => {
      copies.delete(copied);
      if (copies.size === 0) this.#copies.delete(id);
    };
    const carried = this.#carry(copied);
    // Until then others wait for it.
    if (carried !== undefined) return carried.finally(forget);
    forget();
  }

  #carry(copied: Copied): Promise<void> | undefined {
    const { backing, handle } = copied.file;
    const { size, mtimeNs } = fstatSync((backing as Backing).fd, { bigint: true });
    const now = `${size} ${mtimeNs}`;
    if (size === 0n || copied.carried === now) return copied.carrying;
    copied.carried = now;
    const run = (copied.carrying ?? Promise.resolve())
      .then(() => carry((backing as Backing).fd, Number(size), handle))
      .finally(() => {
        if (copied.carrying === run) copied.carrying = undefined;
      });
    copied.carrying = run;
    return run;
  }
}

async function carry(fd: number, size: number, handle: FileHandle): Promise<void> {
  const buffer = Buffer.allocUnsafe(STEP);
  for (let at = 0; at < size; at += STEP) {
    const { bytesRead } = await readAt(fd, buffer, 0, STEP, at);
    for (let page = 0; page < bytesRead; page += PAGE) {
      const [start, end] = trimmed(buffer, page, Math.min(page + PAGE, bytesRead));
      if (start < end) await handle.write(buffer.subarray(start, end), at + start, background);
    }
  }
  // Zeros at the end were written, too.
  if ((await handle.attr(background)).size < size) await handle.truncate(size, background);
}

function trimmed(buffer: Buffer, start: number, end: number): [start: number, end: number] {
  while (start < end && buffer[start] === 0) start++;
  while (start < end && buffer[end - 1] === 0) end--;
  return [start, end];
}
