import type { FileSystem } from '../vfs/file-system.ts';
import type { CarryOver } from './carry-over.ts';
import type { Coherence } from './coherence.ts';
import type { Cursors } from './cursors.ts';
import type { InodeTable } from './inode-table.ts';
import type { Passthrough } from './passthrough.ts';
import type { Negotiated } from './negotiation.ts';
import type { OpenFiles } from './open-files.ts';
import type { Presentation } from './reply.ts';

/** The state that the operations of a mount share. */
export interface State {
  readonly fs: FileSystem;
  readonly inodes: InodeTable;
  readonly files: OpenFiles;
  readonly passthrough: Passthrough;
  readonly carryOver: CarryOver;
  readonly cursors: Cursors;
  readonly coherence: Coherence;
  readonly how: Presentation;
  /** Whether extended attributes are served. */
  readonly xattr: boolean;
  /** Set by INIT. */
  negotiated: Negotiated | undefined;
  /** Ends a request that the kernel no longer wants. */
  interrupt(unique: number): void;
  /** Milliseconds since 1970. */
  now(): number;
}
