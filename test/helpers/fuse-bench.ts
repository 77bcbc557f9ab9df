import { CarryOver } from '../../src/fuse/carry-over.ts';
import { Coherence } from '../../src/fuse/coherence.ts';
import { Cursors } from '../../src/fuse/cursors.ts';
import { InodeTable } from '../../src/fuse/inode-table.ts';
import { Passthrough } from '../../src/fuse/passthrough.ts';
import { Notifier } from '../../src/fuse/notifier.ts';
import { OpenFiles } from '../../src/fuse/open-files.ts';
import { Session } from '../../src/fuse/session.ts';
import type { State } from '../../src/fuse/state.ts';
import { InHeader, OutHeader } from '../../src/fuse/wire/structs.ts';
import type { FileSystem } from '../../src/vfs/file-system.ts';

export interface FuseAnswer {
  readonly unique: number;
  /** Negative for an errno. */
  readonly error: number;
  readonly body: Buffer;
}

/** A session without a kernel: the test passes in frames, and responses and notifications are recorded. */
export class FuseBench {
  readonly state: State;
  readonly session: Session;
  readonly answers: FuseAnswer[] = [];
  readonly notifications: Buffer[] = [];
  readonly notifier: Notifier;
  #unique = 0;

  constructor(fs: FileSystem, { timeout = 60_000, xattr = false } = {}) {
    const inodes = new InodeTable(fs.root);
    this.notifier = new Notifier(async (message) => void this.notifications.push(message));
    this.state = {
      fs,
      inodes,
      files: new OpenFiles(inodes),
      carryOver: new CarryOver(),
      passthrough: new Passthrough({ register: () => undefined, unregister: () => {}, isShared: () => false }, true),
      cursors: new Cursors(fs),
      coherence: new Coherence(fs, inodes, this.notifier),
      how: { uid: 1, gid: 2, validity: 3 },
      xattr,
      negotiated: undefined,
      interrupt: (unique) => this.session.interrupt(unique),
      now: Date.now,
    };
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    this.session = new Session(this.state, { reply: (from, length) => this.#keep(from, length), log: silent, timeout });
  }

  /** Sends a request. Returns its unique number. */
  send(
    opcode: number,
    nodeid: number,
    body: Uint8Array = Buffer.alloc(0),
    change: Partial<{ len: number }> = {},
  ): number {
    const unique = ++this.#unique;
    const frame = Buffer.alloc(InHeader.size + body.length);
    InHeader.encode({ len: frame.length, opcode, unique, nodeid, ...change }, frame, 0);
    frame.set(body, InHeader.size);
    this.session.take(frame, frame.length, () => {});
    return unique;
  }

  /** Sends a request that gets its response synchronously. */
  call(opcode: number, nodeid: number, body?: Uint8Array): FuseAnswer {
    const unique = this.send(opcode, nodeid, body);
    const answer = this.answers.find((answer) => answer.unique === unique);
    if (answer === undefined) throw new Error('no answer yet');
    return answer;
  }

  #keep(from: Buffer, length: number): void {
    const { len, error, unique } = OutHeader.decode(from, 0);
    if (len !== length) throw new Error('the length of the answer is wrong');
    this.answers.push({ unique, error, body: Buffer.from(from.subarray(OutHeader.size, length)) });
  }
}

/** Encodes names as the kernel does. */
export function cString(...texts: readonly string[]): Buffer {
  return Buffer.from(texts.map((text) => `${text}\0`).join(''));
}
