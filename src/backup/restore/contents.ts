import type { FsError } from '../../vfs/fs-error.ts';
import type { FilePlace } from './part-file.ts';

/** A file that is to be fetched. Exactly one of `done` and `failed` is called, once. */
export interface FileJob extends FilePlace {
  /** More bytes have come. */
  readonly received: (bytes: number) => void;
  /** The file has its name. */
  readonly done: () => void;
  readonly failed: (error: FsError) => void;
}

/** Where the contents of files come from. */
export interface Contents {
  /** Takes a job; waits while there are many. @throws what ends everything, such as a cloud that cannot be reached */
  add(job: FileJob): Promise<void>;
  /** Resolves when all jobs are done. @throws as `add` */
  flush(): Promise<void>;
}
