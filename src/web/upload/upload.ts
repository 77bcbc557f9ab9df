import { computed, signal } from '@preact/signals';
import type { NodeRecord } from '../../cloud/records.ts';
import type { Replaced } from '../edits.ts';
import type { SentContent } from './blocks.ts';

/** `exists`, `taken`: a file or a folder has the name, and the user decides. */
export type UploadState =
  'waiting' | 'sending' | 'paused' | 'done' | 'cancelled' | 'skipped' | 'failed' | 'exists' | 'taken';

export interface Target {
  readonly space: string;
  readonly parent: string;
}

/** One file on its way to the cloud. */
export class Upload {
  readonly id: string;
  readonly file: File;
  readonly target: Target;
  readonly folders: readonly string[];
  readonly state = signal<UploadState>('waiting');
  /** Bytes that are in the cloud. */
  readonly sent = signal(0);
  readonly problem = signal('');
  readonly isOver = computed(() => ['done', 'cancelled', 'skipped', 'failed'].includes(this.state.value));
  readonly isAsking = computed(() => this.state.value === 'exists' || this.state.value === 'taken');
  stop = new AbortController();
  /** Set when all blocks are in the cloud. */
  content: SentContent | undefined;
  /** Who has the name. */
  holder: NodeRecord | undefined;
  /** Whose next version it is, in a backup. */
  readonly replaced: Replaced | undefined;

  constructor(id: string, file: File, target: Target, folders: readonly string[], replaced?: Replaced) {
    this.id = id;
    this.file = file;
    this.target = target;
    this.folders = folders;
    this.replaced = replaced;
  }
}
