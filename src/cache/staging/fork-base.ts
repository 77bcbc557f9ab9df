import type { DigestList } from '../../vfs/digest-list.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type { Content } from '../content/content.ts';
import type { Extent } from '../../vfs/extent.ts';
import type { StagedBase } from './staged-base.ts';
import type { DiskStagedFile } from './staged-file.ts';

/** A sealed file that is still staged. The staging folder keeps it as long as another file is based on it. */
export class ForkBase implements StagedBase {
  readonly file: DiskStagedFile;

  constructor(file: DiskStagedFile) {
    this.file = file;
  }

  get content(): Content | null {
    return this.file.base;
  }

  get size(): number {
    return this.file.size;
  }

  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    return this.file.read(into, position, context);
  }

  data(position: number, context: Context): Promise<Extent | undefined> {
    return this.file.data(position, context);
  }

  async digests(context: Context): Promise<DigestList> {
    return (await this.file.manifest(context)).digests;
  }

  isRemote(index: number): boolean {
    return !this.file.isOwn(index);
  }

  sync(): Promise<void> {
    return this.file.syncContent();
  }

  rest(): void {}
}
