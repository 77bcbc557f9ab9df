import { EventEmitter } from 'node:events';
import type { Timeline } from './timeline.ts';

interface Message {
  readonly id: number;
  readonly request: unknown;
}

/** The functions of threads, by the files of their programs. */
export type Programs = Readonly<Record<string, (request: never) => unknown>>;

/** A class like `Worker` that runs a thread's function on this thread, with a separate event for each message. */
export function simulatedWorker(timeline: () => Timeline, programs: Programs) {
  return class SimulatedWorker extends EventEmitter {
    readonly #handle: (request: never) => unknown;
    #ended = false;

    constructor(program: URL) {
      super();
      const handle = programs[program.pathname.slice(program.pathname.lastIndexOf('/') + 1)];
      if (handle === undefined) throw new Error(`the thread ${program.pathname} is not simulated`);
      this.#handle = handle;
    }

    postMessage(message: Message | null): void {
      this.#later(() => {
        if (message === null) return this.#end();
        const { id, request } = message;
        const response = this.#handle(request as never);
        this.#later(() => this.emit('message', { id, response }));
      });
    }

    ref(): void {}

    unref(): void {}

    async terminate(): Promise<void> {
      this.#end();
    }

    #end(): void {
      if (this.#ended) return;
      this.#ended = true;
      this.emit('exit', 0);
    }

    #later(run: () => void): void {
      timeline().plan(1, 'message of a thread', () => {
        if (!this.#ended) run();
      });
    }
  };
}
