import { constants } from 'node:fs';
import { Worker } from 'node:worker_threads';

/** What `make` answers for a file that could not be made. */
const FAILED = -1;

/** The thread's program, as text: so it runs from the sources, from the build, and from a bundle alike. */
const PROGRAM = `
const { openSync } = require('node:fs');
const { parentPort } = require('node:worker_threads');
const make = (path) => {
  try {
    return openSync(path, ${constants.O_RDWR | constants.O_CREAT | constants.O_EXCL}, 0o600);
  } catch {
    return ${FAILED};
  }
};
parentPort.on('message', (paths) => (paths === null ? parentPort.close() : parentPort.postMessage(paths.map(make))));
`;

/**
 * Makes empty files on a thread of its own, many for one message: to wake a thread of libuv's pool for each costs the calling
 * thread twice as much as making the file there. Keeps no process alive before its end.
 */
export class FileMaker {
  /** Descriptors opened on the thread belong to the process, and stay when the thread ends. */
  readonly #worker = new Worker(PROGRAM, { eval: true, name: 'files', execArgv: [], trackUnmanagedFds: false });
  readonly #waiting: ((fds: readonly number[]) => void)[] = [];
  #ended = false;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', (fds: readonly number[]) => this.#waiting.shift()?.(fds));
    // Told by `exit`, which follows.
    this.#worker.on('error', () => undefined);
    this.#worker.on('exit', () => {
      this.#ended = true;
      for (const answer of this.#waiting.splice(0)) answer([]);
    });
  }

  /**
   * Makes and opens these files, for reading and writing; undefined in place of one that is there already or cannot be made,
   * and of all after `end`, or when the thread has died.
   */
  async make(paths: readonly string[]): Promise<(number | undefined)[]> {
    if (this.#ended) return paths.map(() => undefined);
    const fds = await new Promise<readonly number[]>((resolve) => {
      this.#waiting.push(resolve);
      this.#worker.postMessage(paths, []);
    });
    return paths.map((_, i) => (fds[i] === FAILED ? undefined : fds[i]));
  }

  /** Ends the thread when it has made what it was asked for; until then the process lives. */
  end(): void {
    this.#ended = true;
    this.#worker.ref();
    this.#worker.postMessage(null, []);
  }
}
