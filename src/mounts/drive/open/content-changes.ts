import type { StagedFile } from '../../../cache/content/content.ts';
import type { Awaitable } from '../../../vfs/context.ts';
import type { Session } from './session.ts';
import { OneAtATime, Outstanding, UnderWay } from './under-way.ts';

/** A change of the bytes. */
export type ContentChange = (file: StagedFile) => Awaitable<void>;

export interface Sessions {
  /** The current session, if any. */
  readonly current: () => Session | undefined;
  /** Begins a session, with the existing bytes, or empty if `fresh`. */
  readonly begin: (fresh: boolean) => Promise<Session>;
  /** Called at the end of each change, successful or not. */
  readonly wrote: (session: Session) => void;
}

/** Changes of an open file's bytes: each in a session, none while the file is frozen. */
export class ContentChanges {
  readonly #sessions: Sessions;
  readonly #freezing = new OneAtATime();
  /** Those that have a session. */
  readonly #running = new UnderWay();
  readonly #all = new Outstanding();
  #beginning: Promise<Session> | undefined;

  constructor(sessions: Sessions) {
    this.#sessions = sessions;
  }

  /** True while bytes are being written. */
  get any(): boolean {
    return this.#running.any;
  }

  get isFrozen(): boolean {
    return this.#freezing.isRunning;
  }

  /** Resolves when no bytes are being written. */
  over(): Promise<void> {
    return this.#running.over();
  }

  /** Resolves when the file is not frozen. */
  thawed(): Promise<void> {
    return this.#freezing.over();
  }

  /** Runs one change. */
  make(change: ContentChange, fresh: boolean): Awaitable<void> {
    return this.#all.track(this.#make(change, fresh));
  }

  /** Runs `work`, which is to see every change that has begun before. */
  after<T>(work: () => Awaitable<T>): Awaitable<T> {
    return this.#all.any ? this.#all.settled().then(work) : work();
  }

  /** Runs `work` when the current changes are done; further ones wait. */
  freeze<T>(work: () => Promise<T>): Promise<T> {
    return this.#freezing.run(async () => {
      await this.#running.over();
      return await work();
    });
  }

  /** The current session, or a new one; concurrent callers share it. */
  begun(fresh: boolean): Promise<Session> {
    this.#beginning ??= this.#sessions.begin(fresh).finally(() => (this.#beginning = undefined));
    return this.#beginning;
  }

  #make(change: ContentChange, fresh: boolean): Awaitable<void> {
    const session = this.#sessions.current();
    if (session === undefined || this.isFrozen) return this.#makeLater(change, fresh);
    return this.#run(session, change);
  }

  async #makeLater(change: ContentChange, fresh: boolean): Promise<void> {
    for (;;) {
      const session = await this.begun(fresh);
      if (this.#sessions.current() === session && !this.isFrozen) return await this.#run(session, change);
    }
  }

  #run(session: Session, change: ContentChange): Awaitable<void> {
    this.#running.begin();
    let done: Awaitable<void>;
    try {
      done = change(session.file);
    } catch (error) {
      this.#ran(session);
      throw error;
    }
    if (done instanceof Promise) return done.finally(() => this.#ran(session));
    this.#ran(session);
  }

  #ran(session: Session): void {
    this.#sessions.wrote(session);
    this.#running.end();
  }
}
