import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { temporary } from './temporary.ts';

const sh = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** External disks: images of ext4, and one place where they are mounted. Needs root. */
export class LoopDisks {
  readonly point: string;
  readonly #base: string;

  /** @param point where they are mounted; a new folder if absent */
  constructor(t: Test, point?: string) {
    this.#base = temporary(t);
    this.point = point ?? join(this.#base, 'disk');
    mkdirSync(this.point, { recursive: true });
    t.teardown(() => void execFileSync('sh', ['-c', `while umount -l '${this.point}' 2>/dev/null; do :; done`]));
  }

  /** A new empty disk; its image. */
  make(name: string): string {
    const image = join(this.#base, name);
    sh('truncate', '-s', '32M', image);
    sh('mkfs.ext4', '-q', image);
    return image;
  }

  /** @throws where mounting is not allowed */
  mount(image: string, ...options: string[]): void {
    sh('mount', '-o', ['loop', ...options].join(','), image, this.point);
  }

  /** As when it is unplugged: also while it is in use. */
  unmount(): void {
    sh('umount', '-l', this.point);
  }

  /** As a person does it. @throws if the disk is in use */
  eject(): void {
    sh('umount', this.point);
  }
}

/** Why disks cannot be mounted; false if they can. */
export function withoutLoopDisks(): string | false {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) return 'needs root';
  try {
    sh('losetup', '-f');
    return false;
  } catch {
    return 'needs loop devices';
  }
}
