import { hash as hashOnce } from 'node:crypto';
import type { NodeRecord } from './records.ts';

/** Groups of nodes that are summed up separately, so that a difference is found in a few of them. */
export const BUCKETS = 256;
/** Of what is summed up. Digests of different formats do not compare. */
export const DIGEST_FORMAT = 1;
/** Bytes of the sum of a bucket. */
const SUM = 16;
const LANES = SUM / 4;

/** What is compared of a node: everything that the cloud and a gateway both keep. */
export type DigestedNode = Pick<
  NodeRecord,
  | 'id'
  | 'parent'
  | 'name'
  | 'kind'
  | 'rev'
  | 'size'
  | 'version'
  | 'hash'
  | 'target'
  | 'mode'
  | 'mtime'
  | 'birthtime'
  | 'xattrs'
  | 'mount'
>;

/**
 * A digest of the live nodes of a space that does not depend on their order: for each bucket the sum of the first 16 bytes of the
 * SHA-256 of its nodes' texts, as four big-endian numbers modulo 2^32. A sum, unlike an exclusive or, notices a node that is there
 * twice. It takes 4 KiB, whatever the size of the space.
 */
export class TreeDigest {
  readonly #sums = new Uint32Array(BUCKETS * LANES);
  #nodes = 0;

  /** How many nodes were added. */
  get nodes(): number {
    return this.#nodes;
  }

  add(node: DigestedNode): void {
    this.#nodes++;
    const bytes = hashOnce('sha256', textOf(node), 'buffer');
    const first = bucketOf(node.id) * LANES;
    for (let lane = 0; lane < LANES; lane++) {
      // Wraps: the array has numbers of 32 bits.
      this.#sums[first + lane] = (this.#sums[first + lane] ?? 0) + bytes.readUInt32BE(lane * 4);
    }
  }

  /** Base64 of the sums, in the order of the buckets. */
  toString(): string {
    const bytes = Buffer.allocUnsafe(BUCKETS * SUM);
    for (const [i, sum] of this.#sums.entries()) bytes.writeUInt32BE(sum, i * 4);
    return bytes.toString('base64');
  }

  /** The buckets whose sums are not those of another digest, as `toString` returns it. */
  differing(other: string): number[] {
    const [mine, theirs] = [Buffer.from(this.toString(), 'base64'), Buffer.from(other, 'base64')];
    const sum = (bytes: Buffer, bucket: number): Buffer => bytes.subarray(bucket * SUM, (bucket + 1) * SUM);
    return [...Array(BUCKETS).keys()].filter((bucket) => !sum(mine, bucket).equals(sum(theirs, bucket)));
  }
}

/** The bucket of a node: FNV-1a of 32 bits over the characters of its id, of which the highest eight bits count. */
export function bucketOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return hash >>> 24;
}

/** Whether both have the same digest. */
export function isSameNode(a: DigestedNode, b: DigestedNode): boolean {
  return textOf(a) === textOf(b);
}

/**
 * The text that is hashed. The mtime of a folder is not part of it, as each computer has its own; nor is what only the cloud keeps
 * (`device`, `ctime`, `posix`). Another text needs another `DIGEST_FORMAT`.
 */
function textOf({
  id,
  parent,
  name,
  kind,
  rev,
  size,
  version,
  hash,
  target,
  mode,
  mtime,
  birthtime,
  xattrs,
  mount,
}: DigestedNode): string {
  const time = kind === 'folder' ? null : mtime;
  const attributes = Object.entries(xattrs ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    id,
    parent,
    name,
    kind,
    rev,
    size,
    version,
    hash,
    target ?? null,
    mode,
    time,
    birthtime,
    attributes,
    mount ?? null,
  ]);
}
