import { spawn, type ChildProcess } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mounted, unmount } from '../../lib/mounts.ts';
import { output, residentMemory, stop } from '../../lib/process.ts';
import { quote, sh } from '../../lib/shell.ts';
import { writeBig } from '../../lib/big-file.ts';
import { started, type Contestant, type Mounted } from '../contestant.ts';

const SOURCE = '/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c';

/**
 * libfuse's own example in C, which passes every call on to a folder on the disk. It caches nothing and has no cloud.
 */
export const passthroughLl: Contestant = {
  id: 'passthrough_ll',
  name: 'C passthrough_ll',
  version: async () => (await output('pkg-config', ['--modversion', 'fuse3'])).trim(),
  missing: async () => {
    const there = await access(SOURCE).then(
      () => true,
      () => false,
    );
    return there ? undefined : `${SOURCE} is missing; install the package libfuse3-dev`;
  },
  start: async (root) => {
    const program = join(root, 'passthrough_ll');
    await sh(`gcc -O2 -w ${SOURCE} -o ${quote(program)} $(pkg-config fuse3 --cflags --libs)`);
    return await PassthroughMount.start(root, program);
  },
};

class PassthroughMount implements Mounted {
  readonly dir: string;
  readonly archive: string;
  readonly #root: string;
  readonly #program: string;
  #child: ChildProcess | undefined;

  private constructor(root: string, program: string) {
    this.dir = join(root, 'mount/work');
    this.archive = join(root, 'mount/archive');
    this.#root = root;
    this.#program = program;
  }

  static async start(root: string, program: string): Promise<PassthroughMount> {
    for (const name of ['files/work', 'files/archive', 'mount']) await mkdir(join(root, name), { recursive: true });
    const own = new PassthroughMount(root, program);
    return await started(own, () => own.#mount());
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.#mount();
  }

  async supply(name: string, bytes: number): Promise<object> {
    await writeBig(join(this.#root, 'files/work', name), bytes);
    return {};
  }

  async memory(): Promise<number> {
    return await residentMemory(this.#child?.pid ?? 0);
  }

  async stop(): Promise<void> {
    await unmount(join(this.#root, 'mount'));
    if (this.#child !== undefined) await stop(this.#child);
  }

  async #mount(): Promise<void> {
    const at = join(this.#root, 'mount');
    const args = ['-f', '-o', `source=${join(this.#root, 'files')}`, at];
    const child = spawn(this.#program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#child = child;
    await mounted(at, () => child.exitCode !== null);
  }
}
