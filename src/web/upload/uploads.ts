import { computed, signal } from '@preact/signals';
import PQueue from 'p-queue';
import type { NodeRecord, PutIntent } from '../../cloud/records.ts';
import { ApiError, type Api } from '../api.ts';
import type { Edits, Replaced } from '../edits.ts';
import { newId } from '../new-id.ts';
import { problemText } from '../problem-text.ts';
import { numbered } from './numbered.ts';
import type { Picked } from './picked.ts';
import { persist } from './retry.ts';
import { Sender } from './sender.ts';
import { Upload, type Target } from './upload.ts';

/** Files that are sent at a time. */
const AT_ONCE = 3;
/** Times that blocks may turn out to be missing again when the file is committed. */
const ROUNDS = 3;

export type Decision = 'replace' | 'keep-both' | 'skip';

/** All uploads of this page. */
export class Uploads {
  readonly all = signal<readonly Upload[]>([]);
  readonly isBusy = computed(() => this.all.value.some(({ isOver }) => !isOver.value));
  readonly #api: Api;
  readonly #edits: Edits;
  readonly #sender = new Sender();
  readonly #queue = new PQueue({ concurrency: AT_ONCE });
  readonly #folders = new Map<string, Promise<string>>();

  constructor(api: Api, edits: Edits) {
    this.#api = api;
    this.#edits = edits;
    // Later it may be another folder that has the name.
    this.#queue.on('idle', () => this.#folders.clear());
    addEventListener('beforeunload', (event) => {
      if (this.isBusy.value) event.preventDefault();
    });
  }

  add(target: Target, picked: readonly Picked[]): void {
    const uploads = picked.flatMap(({ folders, file }) => {
      if (file !== undefined) return new Upload(newId(), file, target, folders);
      void this.#makeFolders(target, folders).catch(() => undefined);
      return [];
    });
    this.#start(uploads);
  }

  /** A new version of a file of a backup. */
  replace(replaced: Replaced, file: File): void {
    const { space, parent } = replaced.node;
    this.#start([new Upload(newId(), file, { space, parent }, [], replaced)]);
  }

  cancel(upload: Upload): void {
    upload.stop.abort();
    if (!upload.isOver.value) upload.state.value = 'cancelled';
  }

  /** Blocks that are in the cloud already are not sent again. */
  retry(upload: Upload): void {
    upload.stop = new AbortController();
    upload.state.value = 'waiting';
    upload.problem.value = '';
    this.#enqueue(upload);
  }

  decide(upload: Upload, decision: Decision): void {
    if (decision === 'skip') upload.state.value = 'skipped';
    else void this.#queue.add(() => this.#run(upload, decision));
  }

  clear(): void {
    this.all.value = this.all.value.filter(({ isOver }) => !isOver.value);
  }

  #start(uploads: readonly Upload[]): void {
    this.all.value = [...this.all.value, ...uploads];
    for (const upload of uploads) this.#enqueue(upload);
  }

  #enqueue(upload: Upload): void {
    void this.#queue.add(() => this.#run(upload));
  }

  /** Never rejects. */
  async #run(upload: Upload, decision?: Decision): Promise<void> {
    const { signal } = upload.stop;
    if (signal.aborted) return;
    upload.state.value = 'sending';
    try {
      await this.#store(upload, decision);
      upload.state.value = 'done';
    } catch (error) {
      if (signal.aborted) upload.state.value = 'cancelled';
      else this.#fail(upload, error);
    }
  }

  #fail(upload: Upload, error: unknown): void {
    if (error instanceof ApiError && error.code === 'exists' && error.current !== undefined) {
      upload.holder = error.current;
      upload.state.value = error.current.kind === 'file' ? 'exists' : 'taken';
      return;
    }
    upload.problem.value = problemText(error);
    upload.state.value = 'failed';
    // There the password may be meant.
    const isOut = error instanceof ApiError && error.code === 'unauthorized' && upload.replaced === undefined;
    if (isOut) this.#api.onSignedOut();
  }

  async #store(upload: Upload, decision: Decision | undefined): Promise<void> {
    const { space } = upload.target;
    const parent = await this.#makeFolders(upload.target, upload.folders);
    for (let round = 1; ; round++) {
      upload.content ??= await this.#sender.send(upload.id, upload.file, upload.stop.signal, {
        onProgress: (sent) => (upload.sent.value = sent),
        onPause: (isPaused) => this.#showPause(upload, isPaused),
      });
      try {
        if (upload.replaced !== undefined) return await this.#replace(upload, upload.replaced, upload.content);
        const base = decision === 'replace' ? upload.holder : undefined;
        return await this.#commit(upload, { space, parent }, upload.content, base, decision === 'keep-both');
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'blocks_missing' || round === ROUNDS) throw error;
        upload.content = undefined;
      }
    }
  }

  async #replace(upload: Upload, replaced: Replaced, content: PutIntent['content']): Promise<void> {
    const put = { version: newId(), mtime: upload.file.lastModified, content };
    // Sent again with the same version, it is executed once.
    await persist(
      () => this.#edits.replaceInBackup(replaced, put),
      upload.stop.signal,
      (isPaused) => this.#showPause(upload, isPaused),
    );
  }

  async #commit(
    upload: Upload,
    { space, parent }: Target,
    content: PutIntent['content'],
    base: NodeRecord | undefined,
    mayRename: boolean,
  ): Promise<void> {
    const { name, lastModified: mtime } = upload.file;
    for (let number = mayRename ? 2 : 1; ; number++) {
      const intent: PutIntent = {
        op: 'put',
        id: newId(),
        space,
        node: base?.id ?? newId(),
        parent,
        name: number === 1 ? name : numbered(name, number),
        mode: base?.mode ?? 0o644,
        mtime,
        birthtime: base?.birthtime ?? mtime,
        version: newId(),
        base: base?.version ?? null,
        content,
      };
      try {
        // Sent again under the same id, it is executed once.
        await persist(
          () => this.#api.commit(intent),
          upload.stop.signal,
          (isPaused) => this.#showPause(upload, isPaused),
        );
        return;
      } catch (error) {
        if (!mayRename || !(error instanceof ApiError) || error.code !== 'exists') throw error;
      }
    }
  }

  #showPause({ state }: Upload, isPaused: boolean): void {
    if (state.value === 'sending' || state.value === 'paused') state.value = isPaused ? 'paused' : 'sending';
  }

  /** The innermost of the folders, which are made where they are missing. */
  async #makeFolders({ space, parent }: Target, folders: readonly string[]): Promise<string> {
    let at = parent;
    for (const name of folders) at = await this.#makeFolder(space, at, name);
    return at;
  }

  /** Once for all files in it. */
  async #makeFolder(space: string, parent: string, name: string): Promise<string> {
    const key = `${parent}/${name}`;
    const known = this.#folders.get(key);
    if (known !== undefined) return await known;
    const made = this.#edits.openFolder(space, parent, name);
    this.#folders.set(key, made);
    made.catch(() => this.#folders.delete(key));
    return await made;
  }
}
