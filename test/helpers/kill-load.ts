import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tryCommand, type CommandOutput } from './run-command.ts';

/** Names of the files in the archive that `makeArchive` makes. */
const FILES = 300;
const BLOCK = 4096;
const BLOCKS = 64;

/** Writes blocks one after another, and records which are on the disk. */
const WRITER = `
import os, random, struct, sys
path, log, number = sys.argv[1], open(sys.argv[2], 'a'), int(sys.argv[3])
try:
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    while True:
        number += 1
        block = random.randrange(${BLOCKS})
        os.pwrite(fd, struct.pack('<QQ', block, number) * ${BLOCK / 16}, block * ${BLOCK})
        os.fsync(fd)
        log.write(f'{block} {number}\\n')
        log.flush()
except OSError: pass`;

const UNPACK = `
for i in 0 1 2 3; do
  to="$1/$2-$i"; mkdir "$to" || exit 0
  tar -C "$to" -xvf "$3/source.tar" > "$3/$2-$i.names" 2> "$3/$2-$i.errors" || exit 0
done`;

/**
 * Programs that write to a folder until its server dies, and the writes that were acknowledged. `notes` is another
 * folder.
 */
export class KillLoad {
  readonly #folder: string;
  readonly #notes: string;

  constructor(folder: string, notes: string) {
    this.#folder = folder;
    this.#notes = notes;
  }

  /** Creates the archive that is unpacked repeatedly. */
  async prepare(): Promise<void> {
    const script = `mkdir source; cd source; for i in $(seq ${FILES}); do head -c $((4096 + i * 122)) /dev/urandom > f$i; done; tar -cf ../source.tar .`;
    await this.#run('bash', ['-euc', script]);
  }

  /** Has fio write a file. Resolves when it is on the disk. */
  async fio(round: number): Promise<CommandOutput> {
    return await this.#fio(round, ['--do_verify=0', '--end_fsync=1']);
  }

  /** Has fio verify such a file. */
  async verifyFio(round: number): Promise<CommandOutput> {
    return await this.#fio(round, ['--verify_only']);
  }

  /** Runs three programs concurrently. Resolves when all have failed because the server has died. */
  async untilDead(round: number): Promise<void> {
    const { folder, notes } = { folder: this.#folder, notes: this.#notes };
    const load = ['--rw=randrw', '--bs=4k', '--size=8m', '--fsync=4', '--time_based', '--runtime=100'];
    await Promise.all([
      this.#run('fio', ['--name=load', `--filename=${join(folder, `load-${round}`)}`, ...load]),
      this.#run('bash', ['-c', UNPACK, 'unpack', folder, String(round), notes]),
      this.#run('python3', ['-c', WRITER, join(folder, 'blocks'), join(notes, 'blocks'), String(round * 1e6)]),
    ]);
  }

  /** The completely unpacked files: path in the folder → the bytes. */
  unpacked(round: number): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    for (let i = 0; i < 4; i++) {
      const note = (kind: string): string => readIfThere(join(this.#notes, `${round}-${i}.${kind}`));
      const failed = new Set([...note('errors').matchAll(/^tar: \.\/(f\d+):/gm)].map(([, name]) => name));
      for (const [, name = ''] of note('names').matchAll(/^\.\/(f\d+)$/gm)) {
        if (!failed.has(name)) found.set(`${round}-${i}/${name}`, readFileSync(join(this.#notes, 'source', name)));
      }
    }
    return found;
  }

  /**
   * The error in the file of blocks, if any. Every block that was recorded as being on the disk, or a later one, must
   * be there.
   */
  wrongBlocks(content: Buffer): string[] {
    const last = new Map<number, number>();
    for (const line of readIfThere(join(this.#notes, 'blocks')).split('\n')) {
      const [block, number] = line.split(' ').map(Number);
      if (block !== undefined && number !== undefined) last.set(block, number);
    }
    return Array.from(last).flatMap(([block, number]) => {
      const bytes = content.subarray(block * BLOCK, (block + 1) * BLOCK);
      const [where, found] = [Number(bytes.readBigUInt64LE(0)), Number(bytes.readBigUInt64LE(8))];
      const whole = bytes.equals(Buffer.concat(Array.from({ length: BLOCK / 16 }, () => bytes.subarray(0, 16))));
      return whole && where === block && found >= number
        ? []
        : [`block ${block}: ${found}, not ${number}; whole: ${whole}`];
    });
  }

  /** Number of blocks that were recorded as being on the disk. */
  get synced(): number {
    return readIfThere(join(this.#notes, 'blocks')).split('\n').length - 1;
  }

  async #fio(round: number, how: readonly string[]): Promise<CommandOutput> {
    const job = [
      '--name=whole',
      `--filename=${join(this.#folder, `fio-${round}`)}`,
      '--rw=randwrite',
      '--bs=4k',
      '--size=4m',
    ];
    return await this.#run('fio', [...job, '--verify=crc32c', '--verify_fatal=1', '--verify_state_save=0', ...how]);
  }

  async #run(name: string, args: readonly string[]): Promise<CommandOutput> {
    return await tryCommand(name, args, { cwd: this.#notes, timeout: 200_000 });
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
