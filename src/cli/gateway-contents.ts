import { posix } from 'node:path';
import PQueue from 'p-queue';
import type { Contents, FileJob } from '../backup/restore/contents.ts';
import { entryFailure } from '../backup/restore/failure.ts';
import { PartFile, writeWhole } from '../backup/restore/part-file.ts';
import { nanoseconds } from '../backup/restore/tree-entry.ts';
import { asFsError } from '../vfs/fs-error.ts';
import type { ControlClient, Download } from '../daemon/control/client.ts';

/** Files that are fetched at a time; the gateway handles as many requests beside the listing. */
const FILES = 6;
/** Bytes up to which a file is gathered and written in one go. */
const SMALL = 256 * 1024;

export interface GatewayContentsOptions {
  readonly gateway: ControlClient;
  /** What the paths of the entries are relative to. */
  readonly top: string;
  readonly version?: string | undefined;
  readonly signal: AbortSignal;
}

/** Contents of files of the drive, as the running gateway has them. */
export class GatewayContents implements Contents {
  readonly #options: GatewayContentsOptions;
  readonly #files = new PQueue({ concurrency: FILES });
  #error: unknown;

  constructor(options: GatewayContentsOptions) {
    this.#options = options;
  }

  async add(job: FileJob): Promise<void> {
    await this.#files.onSizeLessThan(1);
    this.#check();
    void this.#files.add(async () => {
      await this.#fetch(job).catch((error: unknown) => void (this.#error ??= error));
    });
  }

  async flush(): Promise<void> {
    await this.#files.onIdle();
    this.#check();
  }

  /** @throws what has stopped the run */
  #check(): void {
    if (this.#error !== undefined) throw asFsError(this.#error, 'get');
  }

  async #fetch(job: FileJob): Promise<void> {
    const { gateway, top, version, signal } = this.#options;
    try {
      signal.throwIfAborted();
      const path = posix.join(top, job.entry.path);
      await save(
        job,
        await gateway.read({ path, sealed: true, ...(version === undefined ? {} : { version }) }),
        signal,
      );
    } catch (error) {
      return job.failed(entryFailure(error, signal));
    }
    job.done();
  }
}

/** The file as it was when it was opened, which may be another than when it was listed. */
async function save(job: FileJob, { file, body }: Download, signal: AbortSignal): Promise<void> {
  const attributes = { mode: file.mode, mtime: nanoseconds(file.mtime) };
  const place = { ...job, entry: { ...job.entry, size: file.size, attributes } };
  if (file.size <= SMALL) return writeWhole(place, await gather(job, body, signal));
  const part = PartFile.open(place);
  try {
    let position = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      await part.write(position, chunk);
      position += chunk.length;
      job.received(chunk.length);
    }
    part.finish();
  } catch (error) {
    part.discard();
    throw error;
  }
}

async function gather(job: FileJob, body: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    signal.throwIfAborted();
    chunks.push(chunk);
    job.received(chunk.length);
  }
  return Buffer.concat(chunks);
}
