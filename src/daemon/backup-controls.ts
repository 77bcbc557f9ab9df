import { basename } from 'node:path';
import PQueue from 'p-queue';
import type { BackupSet as StoredSet } from '../backup/agent/backup-set.ts';
import { SetAgent, type AgentState, type SetAgentOptions } from '../backup/agent/set-agent.ts';
import { checkPatterns } from '../backup/exclusions.ts';
import { isMass } from '../backup/halt.ts';
import type { LoggedProblem } from '../backup/problem-log.ts';
import { parseSchedule } from '../backup/schedule/schedule.ts';
import type { BackupProgress, BackupSummary } from '../backup/tally.ts';
import type { VerifyOptions } from '../backup/verify.ts';
import type { VolumeId } from '../backup/volume.ts';
import type { Context } from '../vfs/context.ts';
import { FsError } from '../vfs/fs-error.ts';
import { checkName } from '../vfs/name.ts';
import { emitted } from './emitted.ts';
import { readSets, writeSets } from './backup-sets-file.ts';
import type { BackupRuns, OnProgress } from './control/controls.ts';
import type {
  BackupBody,
  BackupEditBody,
  BackupPauseBody,
  BackupRemoveBody,
  BackupRestoreBody,
  BackupRunBody,
  BackupSet,
  BackupState,
  BackupVerifyBody,
  Progress,
  Restored,
  VerifyReport,
} from './control/wire.ts';

export type VerifyRequest = Pick<VerifyOptions, 'share' | 'context' | 'onFinding' | 'onProgress'>;

/** Mirrors folders into the cloud. */
export interface BackupEngine {
  /** The folder's real path. @throws FsError with a reason that names the other folder, if it may not be mirrored */
  check(folder: string, others: readonly StoredSet[]): Promise<string>;
  /** What names the volume of a folder. @throws FsError */
  identify(folder: string, marker: boolean): Promise<VolumeId | undefined>;
  readonly run: SetAgentOptions['run'];
  readonly probe: SetAgentOptions['probe'];
  /** What could not be taken. @throws FsError */
  problems(set: StoredSet, context: Context): AsyncIterable<LoggedProblem>;
  /** Compares the folder with its mirror. @throws FsError */
  verify(set: StoredSet, request: VerifyRequest): Promise<void>;
  /** Gets the mirror back. @throws FsError */
  restore(body: BackupRestoreBody, onProgress: OnProgress, context: Context): Promise<Restored>;
  /** Gives the mirror up. @throws FsError */
  remove(name: string, context: Context): Promise<void>;
}

export interface BackupControlsOptions extends Pick<
  SetAgentOptions,
  'watch' | 'clock' | 'random' | 'onFault' | 'deferred'
> {
  /** Where the chosen folders are kept. */
  readonly file: string;
  readonly engine: BackupEngine;
}

/** The folders that were chosen to be mirrored, and an agent for each of them. */
export class BackupControls implements BackupRuns {
  readonly #options: BackupControlsOptions;
  /** By the names of the sets, in the order in which they were added. */
  readonly #agents = new Map<string, SetAgent>();
  /** Changes of the list, one at a time. */
  readonly #changes = new PQueue({ concurrency: 1 });
  /** Writes of the file, one at a time. */
  readonly #writes = new PQueue({ concurrency: 1 });

  constructor(options: BackupControlsOptions) {
    this.#options = options;
  }

  /** Starts the agents of the sets that are there. @throws EIO if the file of the sets is damaged */
  async open(): Promise<void> {
    for (const set of await readSets(this.#options.file)) this.#begin(set);
  }

  /** Ends all agents; what they have not done they do after the next start. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.stop()));
    await this.#writes.onIdle();
  }

  list(): BackupSet[] {
    return [...this.#agents.values()].map(shownSet);
  }

  /** @throws EEXIST, EINVAL; and what the engine says about the folder */
  add({ folder, name = basename(folder), marker = false, ...rules }: BackupBody): Promise<BackupSet> {
    return this.#change(async () => {
      const { engine } = this.#options;
      checkRules(rules);
      const there = this.#agents.get(name);
      if (there) {
        const isSame = there.set.folder === folder;
        const reason = isSame ? `it is mirrored as "${name}" already` : `there is a set "${name}" already; use --name`;
        throw new FsError('EEXIST', 'backup', { subject: isSame ? folder : name, reason });
      }
      const path = await engine.check(folder, this.#sets());
      // After what is wrong with the folder: that of `/` is '', which would say nothing.
      checkName(name, 'backup');
      const volume = await engine.identify(path, marker);
      const added = this.#options.clock.now();
      const agent = this.#begin({ name, folder: path, ...kept(rules), volume, added });
      await this.#save();
      return shownSet(agent);
    });
  }

  /** @throws ENOENT, EINVAL */
  edit({ name, ...rules }: BackupEditBody): Promise<BackupSet> {
    return this.#change(async () => {
      const agent = this.#find(name);
      checkRules(rules);
      const { onFailure, ...others } = rules;
      if (onFailure !== undefined) await agent.hook(onFailure === '' ? undefined : onFailure);
      if (Object.keys(others).length > 0) {
        const { schedule, exclude, oneFileSystem } = { ...agent.set, ...others };
        await agent.edit({ schedule, exclude, oneFileSystem });
      }
      return shownSet(agent);
    });
  }

  /** @throws ENOENT */
  remove({ name, keep = false }: BackupRemoveBody, context: Context): Promise<void> {
    return this.#change(async () => {
      const agent = this.#find(name);
      const { set } = agent;
      await agent.stop();
      this.#agents.delete(name);
      try {
        if (!keep) await this.#options.engine.remove(name, context);
      } catch (error) {
        this.#begin(set);
        throw error;
      }
      await this.#save();
    });
  }

  /** @throws ENOENT, EBUSY */
  start({ name, confirm, repair = false }: BackupRunBody): void {
    const agent = this.#find(name);
    if (agent.state.doing === 'paused') throw pausedError(name);
    // What it fails with, the state of the set says.
    agent.ask({ confirm, repair }).catch(() => undefined);
  }

  /** @throws ENOENT, EBUSY; what the run fails with; EBUSY where it halts; EIO if something could not be taken */
  async run(
    { name, confirm, repair = false }: BackupRunBody,
    onProgress: OnProgress,
    { signal }: Context,
  ): Promise<void> {
    const running = this.#find(name).ask({
      confirm,
      repair,
      onProgress: (progress) => onProgress(toProgress(progress)),
    });
    const left = new Promise<never>((_, reject) => {
      const leave = (): void => reject(new FsError('EINTR', 'backup', { subject: name }));
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
    });
    const failure = failureOf(name, await Promise.race([running, left]));
    if (failure) throw failure;
  }

  /** @throws ENOENT */
  async pause({ name, duration }: BackupPauseBody): Promise<void> {
    const until = duration === undefined ? undefined : this.#options.clock.now() + duration;
    for (const agent of this.#named(name)) await agent.pause(until);
  }

  /** @throws ENOENT */
  async resume({ name }: BackupPauseBody): Promise<void> {
    for (const agent of this.#named(name)) await agent.resume();
  }

  /** Lets the sets go on that wait because most of their files are gone or different. @returns how many */
  confirm(): number {
    const waiting = [...this.#agents.values()].filter(({ set }) => set.halt && isMass(set.halt));
    for (const { set } of waiting) this.start({ name: set.name, confirm: true });
    return waiting.length;
  }

  /** To be called when sets may be deferred, or not any more. */
  reconsider(): void {
    for (const agent of this.#agents.values()) agent.reconsider();
  }

  /** @throws ENOENT */
  log(name: string, context: Context): AsyncIterable<LoggedProblem> {
    return this.#options.engine.problems(this.#find(name).set, context);
  }

  /** @throws ENOENT, EBUSY; as the engine */
  async *verify({ name, share }: BackupVerifyBody, context: Context): AsyncGenerator<VerifyReport> {
    const agent = this.#find(name);
    let damaged = 0;
    yield* emitted<VerifyReport>((emit) =>
      this.#options.engine.verify(agent.set, {
        share,
        context,
        onFinding: (finding) => {
          if (finding.cause === 'damage') damaged += 1;
          emit({ finding });
        },
        onProgress: (progress) => emit({ progress: { ...progress } }),
      }),
    );
    await agent.note({ at: this.#options.clock.now(), damaged });
  }

  /** @throws ENOENT; as the engine */
  async *restore(
    body: BackupRestoreBody,
    context: Context,
  ): AsyncGenerator<{ progress: Progress } | { restored: Restored }> {
    this.#find(body.name);
    yield* emitted<{ progress: Progress } | { restored: Restored }>(async (emit) => {
      const onProgress: OnProgress = (progress) => emit({ progress });
      emit({ restored: await this.#options.engine.restore(body, onProgress, context) });
    });
  }

  #begin(set: StoredSet): SetAgent {
    const { engine, watch, clock, random, onFault, deferred } = this.#options;
    const run: SetAgentOptions['run'] = async (of, request) => engine.run(of, request);
    const probe: SetAgentOptions['probe'] = async (...request) => engine.probe(...request);
    const agent = new SetAgent({
      set,
      run,
      probe,
      watch,
      clock,
      random,
      deferred,
      onFault,
      save: async () => this.#save(),
    });
    this.#agents.set(set.name, agent);
    agent.start();
    return agent;
  }

  #sets(): StoredSet[] {
    return [...this.#agents.values()].map(({ set }) => set);
  }

  #named(name: string | undefined): SetAgent[] {
    return name === undefined ? [...this.#agents.values()] : [this.#find(name)];
  }

  #find(name: string): SetAgent {
    const agent = this.#agents.get(name);
    if (agent) return agent;
    const names = [...this.#agents.keys()];
    const known = names.length === 0 ? 'there is none yet' : `there are ${names.join(', ')}`;
    throw new FsError('ENOENT', 'backup', { subject: name, reason: `there is no set "${name}"; ${known}` });
  }

  /** Writes all sets as they are once earlier writes have ended. */
  async #save(): Promise<void> {
    await this.#writes.add(async () => writeSets(this.#options.file, this.#sets()));
  }

  async #change<T>(change: () => Promise<T>): Promise<T> {
    return await this.#changes.add(change);
  }
}

function checkRules({ schedule, exclude = [] }: Pick<BackupBody, 'schedule' | 'exclude'>): void {
  if (schedule !== undefined) parseSchedule(schedule);
  checkPatterns(exclude);
}

/** An empty hook is none. */
function kept<Rules extends { readonly onFailure?: string | undefined }>({ onFailure, ...rules }: Rules) {
  return { ...rules, ...(onFailure === undefined || onFailure === '' ? {} : { onFailure }) };
}

function shownSet({ set, state, overdue }: SetAgent): BackupSet {
  const {
    name,
    folder,
    schedule = 'continuous',
    exclude = [],
    oneFileSystem = false,
    finished,
    problems = 0,
    verified,
    onFailure,
  } = set;
  const rest = {
    ...(overdue === undefined ? {} : { overdue }),
    ...(onFailure === undefined ? {} : { onFailure }),
    ...(finished === undefined ? {} : { finished }),
    ...(verified === undefined ? {} : { verified }),
  };
  return { name, folder, schedule, exclude, oneFileSystem, ...rest, problems, state: shownState(state) };
}

function shownState(state: AgentState): BackupState {
  if (state.doing === 'running') {
    const { progress, silent } = state;
    return { doing: 'running', ...(progress && { progress: toProgress(progress) }), ...(silent && { silent }) };
  }
  if (state.doing === 'halted') {
    const { kind, reason } = state.halt;
    const ends = isMass(state.halt) ? 'confirm' : kind === 'vanished' ? 'disk' : 'run';
    return { doing: 'halted', reason, ends };
  }
  // What is undefined does not travel.
  return JSON.parse(JSON.stringify(state)) as BackupState;
}

function toProgress({ read, total, current }: BackupProgress): Progress {
  return { done: read, total, ...(current === undefined ? {} : { current }) };
}

function failureOf(name: string, { paused, problems, problemCount }: BackupSummary): FsError | undefined {
  if (paused) {
    const hint = paused.kind === 'vanished' ? '' : `; \`fjord backup run --confirm ${name}\` goes on`;
    return new FsError('EBUSY', 'backup', { subject: name, reason: `${paused.reason}${hint}` });
  }
  const first = problems.find(({ skipped }) => !skipped);
  if (first === undefined) return undefined;
  const more = problemCount > 1 ? `, and ${problemCount - 1} more` : '';
  const reason = `all was mirrored but ${first.path} (${first.reason})${more}; \`fjord backup log ${name}\` lists them`;
  return new FsError('EIO', 'backup', { subject: name, reason });
}

function pausedError(name: string): FsError {
  const reason = `${name} is paused; \`fjord backup resume ${name}\` lets it go on`;
  return new FsError('EBUSY', 'backup', { subject: name, reason });
}
