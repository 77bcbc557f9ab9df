import { setTimeout as sleep } from 'node:timers/promises';
import type { SpaceState } from '../../../cache/tree/catalog.ts';
import type { GroupWriter } from '../../../cache/db/group-writer.ts';
import { type Rows, Table } from '../../../cache/db/table.ts';
import type { Remote } from '../../../cloud/remote.ts';
import { DIGEST_FORMAT, type TreeDigest } from '../../../cloud/tree-digest.ts';
import { asFsError, FsError, isFsError } from '../../../vfs/fs-error.ts';
import type { NodeId } from '../../../vfs/node.ts';
import { BIN } from '../../drive/sweeper.ts';
import type { Follower } from '../follow/follower.ts';
import { NAME_TAKEN } from '../follow/space-follower.ts';
import type { Issues } from '../issues.ts';
import type { Replica } from '../replica.ts';
import type { SyncLog } from '../sync-log.ts';
import { digestCatalog } from './catalog-digest.ts';
import { findDifferences, MOST, type Differences, type Suspects } from './differences.ts';
import { mendRecords, mendSuperfluous } from './mend.ts';

/** How soon after the first contact with the cloud, or after it can be reached again, everything is compared, ms. */
const SOON = 10_000;
/** Pause after a comparison, before the cloud being back is a reason for another one, and after one that has failed, ms. */
const PAUSE = 10 * 60_000;
/** How long to rest after work, in times of it: a comparison that nobody waits for takes a fifth of a processor. */
const REST = 4;
/** How often differences are looked for and mended until that is given up. */
const ROUNDS = 6;
/** How long to wait for the end of removals, in steps of ms. */
const SWEPT = { steps: 200, step: 25 };
/** Nodes that are listed one by one if they cannot be repaired. */
const NAMED = 100;
const KEY = 'last';
const DIFFERS = 'the catalog of this computer is not what the cloud has, and could not be repaired';

/** What is known of the last comparison of the catalog with the cloud. */
export interface Verified {
  /** When all spaces were last proven to be equal, ms. */
  readonly at?: number;
  /** How many nodes were compared then. */
  readonly nodes?: number;
  /** When entries were last repaired, ms, and how many. */
  readonly repaired?: { readonly at: number; readonly entries: number };
}

export interface VerifiedStatus extends Verified {
  readonly running: boolean;
  /** Why the last comparison has not proven anything, in words. */
  readonly problem?: string;
}

/** The result of one comparison. */
export interface Verification {
  readonly nodes: number;
  /** How many entries were wrong and are right now. */
  readonly repaired: number;
  /** Why something could not be compared, or repaired, in words. */
  readonly problem?: string;
}

export interface VerifierParts {
  readonly replica: Replica;
  readonly remote: Pick<Remote, 'digest' | 'snapshot'>;
  readonly follower: Pick<Follower, 'pull' | 'of'>;
  readonly issues: Issues;
  readonly rows: Rows;
  readonly writer: GroupWriter;
  /** ms between two comparisons; 0: none but those that are asked for. */
  readonly every: number;
  /** ms since 1970 */
  readonly now: () => number;
  readonly log: SyncLog;
}

/** What a comparison has found so far. */
interface Findings {
  nodes: number;
  readonly repaired: Set<NodeId>;
  readonly suspects: Suspects;
  readonly problems: Set<string>;
  /** Nodes that cannot be shown, with their spaces. */
  readonly listed: ReadonlySet<string>;
}

/**
 * Proves from time to time that the catalog is what the cloud has, by a digest of each space on both sides, and puts right what is
 * not. Changes that wait to be sent are not differences.
 */
export class Verifier {
  readonly #parts: VerifierParts;
  readonly #table: Table<Verified>;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<Verification> | undefined;
  #isHurried = false;
  #hasBegun = false;
  #ended = -Infinity;
  #problem: string | undefined;

  constructor(parts: VerifierParts) {
    this.#parts = parts;
    this.#table = new Table<Verified>('verified', parts.rows, parts.writer, 1);
  }

  get status(): VerifiedStatus {
    const problem = this.#problem === undefined ? {} : { problem: this.#problem };
    return { ...this.#table.get(KEY), running: this.#running !== undefined, ...problem };
  }

  /** Everything that the cloud has reported is shown. */
  current(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#plan(SOON);
  }

  /** The cloud can be reached again. */
  reachable(): void {
    if (this.#hasBegun && this.#parts.now() - this.#ended >= PAUSE) this.#plan(SOON);
  }

  /** Compares now, as fast as possible. @throws FsError as `Remote` does */
  async verify(): Promise<Verification> {
    this.#isHurried = true;
    return await this.#run();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stop.abort();
    await this.#running?.catch(() => undefined);
  }

  #plan(delay: number): void {
    if (this.#parts.every === 0 || this.#stop.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run().catch(() => undefined), delay).unref();
  }

  #run(): Promise<Verification> {
    this.#running ??= this.#compare().finally(() => {
      this.#running = undefined;
      this.#isHurried = false;
      this.#ended = this.#parts.now();
      const { every } = this.#parts;
      this.#plan(this.#problem === undefined ? every : Math.min(every, PAUSE));
    });
    return this.#running;
  }

  async #compare(): Promise<Verification> {
    try {
      const { nodes, repaired, problems } = await this.#rounds();
      const [problem] = problems;
      this.#problem = problem;
      await this.#note(nodes, repaired.size, problem === undefined);
      return { nodes, repaired: repaired.size, ...(problem === undefined ? {} : { problem }) };
    } catch (error) {
      this.#problem = asFsError(error, 'verify').reason ?? String(error);
      throw error;
    }
  }

  /** What could not be repaired, or had no free name, is looked at again. Resolves to what else is known not to be shown. */
  async #withdraw(): Promise<Set<string>> {
    const { issues, replica } = this.#parts;
    const all = await issues.list(Infinity);
    const again = all.filter(({ reason }) => reason === DIFFERS || reason === NAME_TAKEN);
    replica.submit(again.flatMap(({ space, node }) => issues.remove(space, node)));
    return new Set(all.filter((issue) => !again.includes(issue)).map(({ space, node }) => `${space}/${node}`));
  }

  async #rounds(): Promise<Findings> {
    const listed = await this.#withdraw();
    const findings: Findings = { nodes: 0, repaired: new Set(), suspects: new Map(), problems: new Set(), listed };
    for (let round = 0; ; round++) {
      await this.#parts.follower.pull(this.#stop.signal);
      await this.#cleared();
      findings.nodes = 0;
      findings.problems.clear();
      const spaces = (await this.#parts.replica.catalog.spaces()).filter(({ cursor }) => cursor >= 0);
      const digests = await digestCatalog(this.#parts.replica.catalog, spaces, (worked) => this.#rest(worked));
      let isEqual = true;
      for (const space of spaces) {
        const differences = await this.#differences(space, digests.get(space.id), findings);
        if (differences === undefined) continue;
        isEqual = false;
        if (round < ROUNDS) await this.#mend(space, differences, findings);
        else if (!isEmpty(differences)) this.#giveUp(space, differences, findings);
      }
      if (isEqual || round === ROUNDS) return findings;
    }
  }

  /** Resolves to `undefined` if there are none, or that cannot be found out now. */
  async #differences(
    space: SpaceState,
    digest: TreeDigest | undefined,
    findings: Findings,
  ): Promise<Differences | undefined> {
    const { replica, remote, follower } = this.#parts;
    const { suspects, problems, listed } = findings;
    const { signal } = this.#stop;
    const of = follower.of(space.id);
    if (of === undefined || digest === undefined) return undefined;
    if (of.held !== undefined) {
      problems.add('many files were removed elsewhere, which waits for `fjord confirm`');
      return undefined;
    }
    try {
      const cloud = await remote.digest(space.id, { signal });
      findings.nodes += cloud.nodes;
      if (cloud.format !== DIGEST_FORMAT) throw new FsError('ENOENT', 'digest');
      const buckets = digest.differing(cloud.sums);
      if (buckets.length === 0) return undefined;
      const isWaiting = (node: NodeId): boolean => of.isWaiting(node);
      const isListed = (node: NodeId): boolean => listed.has(`${space.id}/${node}`);
      const parts = { replica, remote, isListed, isWaiting, position: () => of.position };
      const found = await findDifferences(parts, space, buckets, suspects, { signal });
      if (found === undefined) problems.add('the cloud has gone back in time');
      return found === undefined || (isEmpty(found) && !found.isUnsure) ? undefined : found;
    } catch (error) {
      if (isFsError(error, 'ENOENT')) problems.add('this cloud cannot say what it has: its version is another one');
      else if (isFsError(error, 'EAGAIN')) problems.add(error.reason ?? 'the cloud is busy');
      else throw error;
      return undefined;
    }
  }

  async #mend(space: SpaceState, differences: Differences, { repaired }: Findings): Promise<void> {
    const { replica, follower, log } = this.#parts;
    const of = follower.of(space.id);
    if (of === undefined) return;
    const { records, ghosts, strays } = differences;
    // What is left below removed folders is not seen, and goes by itself.
    const visible = ghosts.filter((ghost) => replica.catalog.isReachable(ghost));
    for (const { id } of [...records.map(({ record }) => record), ...visible, ...strays]) repaired.add(id);
    if (records.length + visible.length + strays.length > 0) {
      const first = records[0]?.record ?? visible[0] ?? strays[0];
      const counts = { different: records.length, superfluous: visible.length + strays.length };
      log.warn(
        { space: space.name, ...counts, first: first?.name },
        'the catalog is not what the cloud has: repairing it',
      );
    }
    await mendSuperfluous(replica, of, differences);
    // What is missing or superfluous in such numbers is put right at once.
    if (records.length + ghosts.length >= MOST) of.resync();
    await of.pull({ signal: this.#stop.signal });
    await mendRecords(replica, of, space, differences);
  }

  #giveUp(space: SpaceState, { records, ghosts, strays }: Differences, { repaired, problems }: Findings): void {
    const { replica, issues, log, now } = this.#parts;
    const { catalog } = replica;
    problems.add(DIFFERS);
    for (const { record } of records.slice(0, NAMED)) {
      const folder = catalog.get(record.parent);
      const path = folder === undefined ? record.name : `${catalog.path(folder)}/${record.name}`;
      const about = { space: space.id, node: record.id, path, reason: DIFFERS, at: now() };
      replica.submit([issues.add(about)]);
    }
    for (const { id } of [...records.map(({ record }) => record), ...ghosts, ...strays]) repaired.delete(id);
    const counts = { different: records.length, superfluous: ghosts.length + strays.length };
    log.warn({ space: space.name, ...counts }, DIFFERS);
  }

  async #note(nodes: number, entries: number, isProven: boolean): Promise<void> {
    const { now, writer } = this.#parts;
    const at = now();
    const after: Verified = {
      ...this.#table.get(KEY),
      ...(isProven ? { at, nodes } : {}),
      ...(entries > 0 ? { repaired: { at, entries } } : {}),
    };
    await writer.write([this.#table.put(KEY, after)], { lazy: true });
  }

  /** The entries of a removed folder, which the cloud has lost or is about to, are removed in the background. */
  async #cleared(): Promise<void> {
    const { catalog } = this.#parts.replica;
    const { signal } = this.#stop;
    for (let tries = 0; tries < SWEPT.steps && !(await catalog.isEmpty(BIN)); tries++) {
      await sleep(SWEPT.step, undefined, { signal });
    }
  }

  async #rest(worked: number): Promise<void> {
    await sleep(this.#isHurried ? 0 : worked * REST, undefined, { signal: this.#stop.signal });
  }
}

function isEmpty({ records, ghosts, strays }: Differences): boolean {
  return records.length + ghosts.length + strays.length === 0;
}
