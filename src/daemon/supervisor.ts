import { AccessFile, type InstanceAccess } from './access-file.ts';
import type { DataDir } from './data-dir.ts';
import type { FromChild, MountReport } from './child-messages.ts';
import { endMountsOf } from '../mounts/doors/fuse-door.ts';
import { mountSource } from './running.ts';
import { Problem } from './problem.ts';
import { SupervisedProcess } from './supervised-process.ts';

export interface SupervisorOptions {
  readonly dir: DataDir;
  /** Program and arguments of the two processes. */
  readonly commands: { readonly cloud: readonly string[]; readonly gateway: readonly string[] };
  /** Further arguments of the gateway, about its mount. */
  readonly mountArgs: readonly string[];
  readonly access: { readonly webdav: InstanceAccess['webdav']; readonly cloud: Omit<InstanceAccess['cloud'], 'pid'> };
  /** What must be done once the cloud serves and before the gateway starts. */
  readonly prepare: () => Promise<void>;
  /** Prints a line on the terminal. */
  readonly say: (text: string) => void;
  /** Called when the gateway asks to stop everything, with an exit code if it cannot continue. */
  readonly onDown: (code: number | undefined) => void;
  readonly onMount: (report: MountReport) => void;
}

interface Service {
  readonly process: SupervisedProcess;
  readonly served: Promise<void>;
}

/**
 * Runs cloud and gateway as child processes, restarts each when it dies, and maintains `access.json`: the file appears
 * once both are serving, and is removed by a clean stop.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #cloud: Service;
  readonly #gateway: Service;
  #mount: MountReport = { dir: null };
  #mountArgs: readonly string[];
  #stopping = false;
  #pids: { cloud?: number; gateway?: number } = {};
  readonly #access: AccessFile;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#mountArgs = options.mountArgs;
    const { access } = options.dir;
    this.#access = new AccessFile(access, (error) => {
      options.say(`${access} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
    });
    this.#cloud = this.#service('cloud', options.commands.cloud);
    this.#gateway = this.#service('gateway', options.commands.gateway);
  }

  /** The state of the mount, as last reported by the gateway. */
  get mount(): MountReport {
    return this.#mount;
  }

  /** Resolves when both are serving. @throws Problem if one cannot start */
  async start(): Promise<void> {
    await this.#access.remove();
    this.#cloud.process.start();
    await this.#cloud.served;
    await this.#options.prepare();
    this.#gateway.process.start();
    await this.#gateway.served;
    await this.#access.written();
  }

  /** Stops the gateway, then the cloud; with `drain`, queued changes are uploaded first. */
  async stop(drain: boolean): Promise<void> {
    this.#stopping = true;
    await this.#gateway.process.stop(drain);
    // A gateway that had to be killed has left its mount behind.
    await this.#freeMount();
    await this.#cloud.process.stop(false);
    await this.#access.remove();
  }

  /** Kills both at once. */
  kill(): void {
    this.#gateway.process.kill();
    this.#cloud.process.kill();
  }

  #service(name: 'cloud' | 'gateway', command: readonly string[]): Service {
    let serve = (): void => undefined;
    let fail = (_error: Error): void => undefined;
    const served = new Promise<void>((resolve, reject) => ([serve, fail] = [resolve, reject]));
    served.catch(() => undefined);
    let hasServed = false;
    const child = new SupervisedProcess({
      name,
      // A restarted gateway mounts where the one before it did.
      command: () => (name === 'gateway' ? [...command, ...this.#mountArgs] : command),
      onReady: (pid) => {
        if (hasServed) this.#options.say(`the ${name} is serving again`);
        hasServed = true;
        this.#alive(name, pid);
        serve();
      },
      onMessage: (message) => this.#handleMessage(message),
      onRemains: () => void (name === 'gateway' && this.#freeMount()),
      onDeath: (how, delay) => {
        if (hasServed) return this.#options.say(`the ${name} ${how}; it will be restarted in ${delay} ms`);
        child.kill();
        fail(new Problem('failure', `the ${name} ${how}`));
      },
    });
    return { process: child, served };
  }

  /**
   * Ends the mount of a dead gateway. One of its threads may wait for a lock that is only released with the mount's
   * connection.
   */
  async #freeMount(): Promise<void> {
    await endMountsOf(await mountSource(this.#options.dir));
  }

  #handleMessage(message: FromChild): void {
    if (message.type === 'mount') this.#mounted(message);
    if (message.type === 'say') this.#options.say(message.text);
    if (message.type === 'down') this.#options.onDown(message.code);
  }

  #mounted(report: MountReport): void {
    if (this.#stopping) return;
    this.#mount = report;
    this.#mountArgs = report.again ?? this.#mountArgs;
    this.#options.onMount(report);
    this.#write();
  }

  #alive(name: 'cloud' | 'gateway', pid: number): void {
    this.#pids = { ...this.#pids, [name]: pid };
    this.#write();
  }

  #write(): void {
    const { cloud, gateway } = this.#pids;
    if (cloud === undefined || gateway === undefined) return;
    const { access } = this.#options;
    const content: InstanceAccess = {
      pid: process.pid,
      webdav: access.webdav,
      cloud: { ...access.cloud, pid: cloud },
      gateway: { pid: gateway },
      mount: this.#mount.dir,
    };
    this.#access.write(content);
  }
}
