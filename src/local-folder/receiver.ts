import type { Place } from '../vfs/file-system.ts';
import type { Attr } from '../vfs/node.ts';
import type { Placement, Settled } from './disk-writer.ts';
import { DriveContent, type Nearby } from './drive-content.ts';
import type { Known, LocalMark } from './known.ts';
import type { PassParts } from './pass-parts.ts';
import { knownFile } from './sender.ts';

/** Bytes of a file that is written together with others, and of all that are. */
const SMALL = 1 << 20;
const BATCH = 8 << 20;
/** Small files that are written together, and files that are fetched at a time. */
const FILES = 64;
const AT_ONCE = 8;

/** A file to bring here. */
export interface Receiving {
  readonly attr: Attr;
  readonly path: string;
  /** In the local folder. */
  readonly here: Place;
  /** What it replaces. */
  readonly known: Known | undefined;
}

interface Ready {
  readonly file: Receiving;
  readonly data: Uint8Array;
  readonly hash: string;
}

export interface ReceiverEvents {
  readonly failed: (file: Receiving, error: unknown) => void;
}

/** Brings the contents of files here: several at a time, and small ones to the disk together. */
export class Receiver {
  readonly #parts: PassParts;
  readonly #events: ReceiverEvents;
  readonly #active = new Set<Promise<void>>();
  #ready: Ready[] = [];
  #bytes = 0;

  constructor(parts: PassParts, events: ReceiverEvents) {
    this.#parts = parts;
    this.#events = events;
  }

  /** Resolves when there is room for the next one. */
  async add(file: Receiving): Promise<void> {
    while (this.#active.size >= AT_ONCE) await Promise.race(this.#active);
    const task = this.#fetch(file)
      .catch((error: unknown) => this.#events.failed(file, error))
      .finally(() => this.#active.delete(task));
    this.#active.add(task);
  }

  /** Resolves when everything that was added is on the disk, or has failed. */
  async idle(): Promise<void> {
    while (this.#active.size > 0) await Promise.all(this.#active);
    await this.#flush();
  }

  async #fetch(file: Receiving): Promise<void> {
    const { fs, disk, context } = this.#parts;
    context.signal.throwIfAborted();
    const content = new DriveContent(fs, file.attr, context);
    if (file.attr.size <= SMALL) {
      const data = await content.whole();
      this.#ready.push({ file, data, hash: content.hash() });
      this.#bytes += data.length;
      if (this.#ready.length >= FILES || this.#bytes >= BATCH) await this.#flush();
      return;
    }
    const mark = await disk.write(content.chunks(await this.#nearby(file)), () => placementOf(file));
    await this.#arrived(file, content.hash(), mark);
  }

  /** What is replaced may have most of the blocks. */
  async #nearby({ attr, path, known }: Receiving): Promise<Nearby | undefined> {
    const { facts, disk, context } = this.#parts;
    if (known?.kind !== 'file' || known.size <= SMALL) return undefined;
    const digests = await facts.digestsOf(attr, context);
    return digests && { digests, blocks: disk.blocks(path) };
  }

  async #flush(): Promise<void> {
    const ready = this.#ready;
    this.#ready = [];
    this.#bytes = 0;
    if (ready.length === 0) return;
    const files = ready.map(({ file, data }) => ({ ...placementOf(file), data }));
    const settled = await this.#parts.disk
      .place(files)
      .catch((error: unknown) => ready.map((): Settled => failed(error)));
    for (const [i, { file, hash }] of ready.entries()) {
      const one = settled[i] ?? failed(undefined);
      if ('mark' in one) await this.#arrived(file, hash, one.mark);
      else this.#events.failed(file, Object.assign(new Error(one.reason), { code: one.code }));
    }
  }

  async #arrived({ attr, path, here }: Receiving, hash: string, mark: LocalMark): Promise<void> {
    const { base, notes } = this.#parts;
    await base.put(knownFile(attr, here, { hash }, mark));
    if (mark.signature === '') notes.lookAgain(path);
    notes.done += 1;
  }
}

function failed(error: unknown): Settled {
  const { code, message = 'it was not written' } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  return { code, reason: message };
}

function placementOf({ attr, path, known }: Receiving): Placement {
  const { mode, mtime } = attr;
  return { path, attributes: { mode, mtime }, expect: known ? known.local.signature : null, hash: known?.hash };
}
