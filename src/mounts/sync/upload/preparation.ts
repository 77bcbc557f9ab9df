import { nextCtime } from '../../../cache/tree/entry.ts';
import type { Manifest, StagedFile } from '../../../cache/content/content.ts';
import type { PendingIntent } from '../../../cache/tree/journal.ts';
import type { Intent } from '../../../cloud/records.ts';
import type { Context } from '../../../vfs/context.ts';
import { MAX_SIZE } from '../../../vfs/block.ts';
import { assign } from '../../../vfs/assign.ts';
import { asFsError, FsError, isFsError } from '../../../vfs/fs-error.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { isCreation } from '../../intents/plan.ts';
import type { OpenFiles } from '../../drive/open/open-files.ts';
import type { Replica } from '../replica.ts';
import { parentOutward } from '../shared-root.ts';
import type { Sent } from './success-handler.ts';
import { rebaseSuccessors } from './successors.ts';
import type { BlockSender } from '../../../transfer/block-sender.ts';
import { uploadContents, wireContent, type Upload } from '../../../transfer/contents.ts';
import { wireIntent } from './wire-intent.ts';

/** Files that are hashed at a time. */
const HASHING = 8;

/** The part of the open files that an upload uses. */
export type FreezableFiles = Pick<OpenFiles, 'freeze' | 'isOpen'>;

interface Frozen {
  readonly seq: number;
  readonly node: NodeId;
  readonly file: Promise<StagedFile | undefined>;
}

/**
 * Intents on their way to the commit: claimed, their content frozen. `freeze` must be called in the turn of the claim;
 * `upload` may be repeated after a failure.
 */
export class Preparation {
  readonly #replica: Replica;
  readonly #files: FreezableFiles;
  readonly #frozen: readonly Frozen[];
  #sent: Sent[] = [];
  /** What cannot be read, with its error. */
  readonly failed: { readonly intent: PendingIntent; readonly error: unknown }[] = [];

  /** Claims the intents, in their order. */
  constructor(replica: Replica, files: FreezableFiles, intents: readonly PendingIntent[]) {
    const { journal } = replica;
    this.#replica = replica;
    this.#files = files;
    for (const { seq } of intents) journal.claim(seq);
    this.#frozen = intents.map(({ seq, op, node }) => {
      const file = op === 'put' ? files.freeze(node) : Promise.resolve(undefined);
      return { seq, node, file: handled(file) };
    });
  }

  get seqs(): readonly number[] {
    return this.#frozen.map(({ seq }) => seq);
  }

  get sent(): readonly Sent[] {
    return this.#sent;
  }

  /** Hashes the contents and uploads the blocks that the cloud lacks. @throws FsError as `Remote` does */
  async upload(sender: BlockSender, context: Context): Promise<void> {
    this.#sent = await this.#hash(context);
    const uploads = new Map<string | undefined, Upload[]>();
    for (const { file, manifest, intent } of this.#sent) {
      if (file === undefined || manifest === undefined) continue;
      const owner = this.#foreign(intent.space);
      uploads.set(owner, [...(uploads.get(owner) ?? []), { file, manifest }]);
    }
    for (const [space, some] of uploads) await uploadContents(sender, some, context, space);
  }

  /** The space, if its blocks are counted to another account. */
  #foreign(space: string): string | undefined {
    const role = this.#replica.catalog.space(space)?.role;
    return role === undefined || role === 'owner' ? undefined : space;
  }

  /** Records that the intents are being sent, with everything that they contain. */
  async handOver(): Promise<void> {
    this.#replica.submit(this.#replica.journal.handOver(this.#sent.map(({ intent }) => intent.seq)));
    await this.#replica.written();
  }

  /** The intents as the cloud gets them, with the metadata of this moment. */
  wire(): Intent[] {
    const { catalog, journal } = this.#replica;
    this.#sent = this.#sent.filter(({ intent }) => journal.get(intent.seq) !== undefined);
    return this.#sent.map(({ intent: { seq, from }, manifest }) => {
      const intent = journal.get(seq) as PendingIntent;
      const content = from !== undefined ? { from } : manifest === undefined ? undefined : wireContent(manifest);
      return wireIntent(
        intent,
        catalog.get(intent.node),
        (id, space) => parentOutward(catalog, this.#replica.resolve(id), space),
        content,
      );
    });
  }

  /** Releases the descriptors after a failure. */
  abandon(): void {
    for (const { file, node } of this.#frozen) {
      file.then(
        (staged) => void (this.#files.isOpen(node) || staged?.close()),
        () => undefined,
      );
    }
  }

  async #hash(context: Context): Promise<Sent[]> {
    const sent: (Sent | undefined)[] = [];
    const rest = this.#frozen.entries();
    const lane = async (): Promise<void> => {
      for (const [i, { seq, file }] of rest) sent[i] = await this.#hashOne(seq, file, context);
    };
    await Promise.all(Array.from({ length: HASHING }, lane));
    return sent.filter((one) => one !== undefined);
  }

  async #hashOne(seq: number, file: Promise<StagedFile | undefined>, context: Context): Promise<Sent | undefined> {
    const { journal } = this.#replica;
    try {
      const staged = await file;
      const intent = journal.get(seq);
      if (intent === undefined) return undefined;
      if (staged === undefined || intent.op !== 'put') return { intent };
      if (staged.id !== intent.staged)
        throw new FsError('EIO', 'upload', { reason: 'the frozen content is not the one that the change names' });
      this.#checkWhole(intent, staged);
      checkLength(staged);
      const manifest = await staged.manifest(context).catch(lostBase);
      const now = journal.get(seq);
      if (now === undefined) return undefined;
      return this.#isUnchanged(now, manifest)
        ? this.#reduce(now, staged, manifest)
        : { intent: now, file: staged, manifest };
    } catch (error) {
      if (isFsError(error, 'EAGAIN') || isFsError(error, 'ETIMEDOUT') || isFsError(error, 'EINTR')) throw error;
      const intent = journal.get(seq);
      if (intent !== undefined) this.failed.push({ intent, error: asFsError(error, 'upload', intent.name) });
      return undefined;
    }
  }

  /** What the loss of power has cut off must not become a version. @throws EIO */
  #checkWhole({ seq, node }: PendingIntent, { id, size }: StagedFile): void {
    const { journal, catalog } = this.#replica;
    const entry = catalog.get(node);
    if (!journal.isInherited(seq) || entry?.staged !== id || entry.size === size) return;
    const reason = `only ${size} of its ${entry.size} bytes survived a power loss; write the file again, or remove it`;
    throw new FsError('EIO', 'upload', { subject: entry.name, reason });
  }

  /** The same bytes as the cloud has: no version is created for them. */
  #isUnchanged(intent: PendingIntent, { hash }: Manifest): boolean {
    const entry = this.#replica.catalog.get(intent.node);
    const base = entry?.base;
    if (isCreation(intent) || base === undefined || base === null || entry?.id !== intent.node) return false;
    return base.hash === hash && base.version === intent.base;
  }

  /**
   * Reduces a put to what else it contains, times and mode; of a sealed file nothing is left, since those are sealed,
   * too.
   */
  #reduce(intent: PendingIntent, file: StagedFile, { hash, size }: Manifest): Sent | undefined {
    const { catalog, journal } = this.#replica;
    const { staged, version: _version, base, writing: _writing, ...rest } = intent;
    const attr: PendingIntent = { ...rest, op: 'attr' };
    const entry = catalog.get(intent.node);
    const pointless = entry !== undefined && this.#replica.policyOf(entry).sealing;
    const ops = [...rebaseSuccessors(journal, intent, base ?? null)];
    ops.push(pointless ? journal.remove(intent.seq) : journal.put(attr));
    const remote = base ?? '';
    if (entry !== undefined && entry.staged === staged) {
      const { staged: _staged, base: agreed, ...rest } = entry;
      const clean = agreed === undefined || !journal.has(entry.id) ? rest : assign(rest, { base: agreed });
      const ctime = nextCtime(entry, this.#replica.now());
      const shown = pointless ? assign(clean, { ...agreed?.attributes, ctime }) : clean;
      ops.push(...catalog.put(assign(shown, { hash, size, remote }), entry));
      if (pointless) this.#replica.notify({ what: 'node', node: entry.id, content: false });
    }
    this.#replica.submit(ops);
    this.#replica.settleStaged(intent.node, file, { hash, size, version: remote });
    return pointless ? undefined : { intent: attr };
  }
}

/** A kernel that writes directly does not check the length of a file. @throws EFBIG */
function checkLength({ size }: StagedFile): void {
  if (size > MAX_SIZE) throw new FsError('EFBIG', 'upload', { reason: 'a file can have at most 4 TiB' });
}

/** A file that was changed in part needs the bytes of the version before. @throws EIO if that is gone, else the error */
function lostBase(error: unknown): never {
  if (!isFsError(error, 'ENOENT')) throw error;
  const reason = 'the version that it changes is no longer in the cloud; write the whole file again, or remove it';
  throw new FsError('EIO', 'upload', { reason, cause: error });
}

/** A rejection is handled later; until then it must not count as unhandled. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
