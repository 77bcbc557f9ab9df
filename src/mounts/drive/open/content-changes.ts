import type { StagedFile } from '../../../cache/content/content.ts';
import type { Awaitable } from '../../../vfs/context.ts';
import type { Session } from './session.ts';
import { OneAtATime, Outstanding, UnderWay } from './under-way.ts';

/** What is done to the bytes. */
export type ContentChange = (file: StagedFile) => Awaitable<void>;

export interface Sessions {
  /** The one that goes on. */
  readonly current: () => Session | undefined;
  /** Begins one, with the bytes that are there or `fresh` without any. */
  readonly begin: (fresh: boolean) => Promise<Session>;
  /** Hears the end of each change, done or not. */
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

  /** Answered when no bytes are being written. */
  over(): Promise<void> {
    return this.#running.over();
  }

  /** Answered when the file is not frozen. */
  thawed(): Promise<void> {
    return this.#freezing.over();
  }

  /** Runs one change. */
  make(change: ContentChange, fresh: boolean): Awaitable<void> {
    return this.#all.track(this.#make(change, fresh));
  }

  /** Runs what is to see every change that has begun before. */
  after<T>(work: () => Awaitable<T>): Awaitable<T> {
    return this.#all.any ? this.#all.settled().then(work) : work();
  }

  /** Runs `work` when the changes under way are done; further ones wait. */
  freeze<T>(work: () => Promise<T>): Promise<T> {
    return this.#freezing.run(async () => {
      await this.#running.over();
      return await work();
    });
  }

  /** The session that goes on, or one that is begun now, by whoever was first to want it. */
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
