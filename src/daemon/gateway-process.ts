import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bandwidth } from '../cloud/http/bandwidth.ts';
import { HttpRemote } from '../cloud/http/http-remote.ts';
import { Gateway } from '../mounts/gateway.ts';
import { openWebDavDoor, type WebDavDoor } from '../mounts/doors/webdav-door.ts';
import type { FsError } from '../vfs/fs-error.ts';
import { BackupWatch } from './backup-watch.ts';
import { BackupControls } from './backup-controls.ts';
import { GatewayBackups } from './backup-engine.ts';
import { watchFolder } from '../watch/watch-folder.ts';
import { cacheDir, takeCacheDir } from './cache-dir.ts';
import type { Config } from './config.ts';
import type { Amount, MountBody } from './control/wire.ts';
import { ControlServer } from './control/server.ts';
import { dataDir, takeDataDir, type DataDir } from './data-dir.ts';
import { Deferral, systemProbesOptions } from './deferral.ts';
import { drain } from './drain.ts';
import { FailureHook } from './failure-hook.ts';
import { folderGone, removed } from './folder-gone.ts';
import { LinkControls } from './link-controls.ts';
import { FolderControls } from './folder-controls.ts';
import { ShareControls } from './share-controls.ts';
import { GatewayControls } from './gateway-controls.ts';
import { IdleCollection } from './idle-collection.ts';
import { openLimits, type BandwidthLimits } from './limits/bandwidth-limits.ts';
import { openLog, type LogFile } from './log.ts';
import { MountPoint, type MountState } from './mount-point.ts';
import { takenFolders, wishedBy, wishOf } from './mount-request.ts';
import { StatusPage } from './page/status-page.ts';
import { Problem } from './problem.ts';
import { readDevice, webDavPassword, type DeviceFile } from './secrets.ts';
import { SystemProbes } from './system-probes.ts';
import { forgetRunning, mountSource, noteRunning, refuseSecond } from './running.ts';
import { version } from './version.ts';

export interface GatewayProcessOptions {
  readonly config: Config;
  /**
   * Called when a client of the control socket requests the end of the program. Returns the id of the process to wait
   * for.
   */
  readonly leave: () => number;
  /** Called when the drive is mounted, is unmounted, or cannot be mounted. */
  readonly onMount?: (state: MountState) => void;
  /** Prints a line on the terminal. */
  readonly say?: (text: string) => void;
}

interface Parts {
  readonly dir: DataDir;
  readonly remote: HttpRemote;
  readonly gateway: Gateway;
  readonly door: WebDavDoor;
  readonly control: ControlServer;
  readonly page: StatusPage;
  readonly backups: BackupControls;
  readonly folders: FolderControls;
  readonly mountPoint: MountPoint;
  readonly limits: BandwidthLimits;
  readonly deferral: Deferral;
  readonly watch: BackupWatch;
  readonly hook: FailureHook;
  readonly logFile: LogFile;
  /** Path of the cache folder. */
  readonly cache: string;
  readonly stopCollecting: () => void;
}

/** How long the first start waits for the cloud, ms. */
const FIRST_WORD = 5000;

/**
 * A gateway with its doors and its control socket, in this process. Starting includes recovery and needs no network.
 */
export class GatewayProcess {
  readonly #parts: Parts;
  readonly #life = new AbortController();
  readonly access: { readonly url: string; readonly user: string; readonly password: string };
  readonly cloud: { readonly url: string; readonly email: string };

  private constructor(parts: Parts, access: GatewayProcess['access'], cloud: GatewayProcess['cloud']) {
    this.#parts = parts;
    this.access = access;
    this.cloud = cloud;
  }

  /** Address of the status page. */
  get page(): string | undefined {
    return this.#parts.page.url;
  }

  get port(): number {
    return this.#parts.door.port;
  }

  /**
   * Resolves when the cache can no longer be written, because its disk is broken or read-only, or the folder is gone.
   * The caller must then end the process; the next start recovers.
   */
  async failed(): Promise<FsError> {
    const { gateway, logFile, cache } = this.#parts;
    const folder = join(cache, 'db');
    const gone = folderGone(folder, this.#life.signal);
    const first = await Promise.race([gateway.stack.db.failed, gone]);
    const failure = existsSync(folder) ? first : removed(folder);
    logFile.log.fatal({ code: failure.code, reason: failure.reason, cause: failure.cause }, 'the cache disk failed');
    logFile.flush();
    return failure;
  }

  /** Unmounts at once, for when nothing can be served any more. Never throws. */
  async leaveMount(): Promise<void> {
    await this.#parts.mountPoint.close();
  }

  /** The current state of the mount. */
  get mount(): MountState {
    return this.#parts.mountPoint.state;
  }

  /** @throws Problem, FsError */
  static async start(options: GatewayProcessOptions): Promise<GatewayProcess> {
    const { config, leave, onMount = () => undefined, say = () => undefined } = options;
    const dir = dataDir(config['data.dir']);
    const device = await checkStart(dir, config);
    await takeDataDir(dir);
    const logFile = openLog(dir.log, 'gateway', config['log.level']);
    const closers: (() => Promise<unknown>)[] = [];
    try {
      const url = config['cloud.url'] === '' ? device.url : config['cloud.url'];
      const bandwidth = new Bandwidth();
      const limits = await openLimits(config, dir, bandwidth);
      closers.unshift(async () => limits.close());
      const remote = new HttpRemote({ url, token: device.token, bandwidth, connections: config['cloud.connections'] });
      closers.unshift(() => remote.close());
      const stopCollecting = IdleCollection.start(collector());
      closers.unshift(async () => stopCollecting());
      const gateway = await openGateway(config, dir, remote, device, logFile);
      closers.unshift(() => gateway.close());
      await gateway.ready(FIRST_WORD);
      const access = { user: config['webdav.user'], password: await webDavPassword(dir.webdav) };
      // Opened below, when there is something to show.
      const later: { page?: StatusPage } = {};
      const door = await openDoor(config, gateway, { ...access, statusPage: () => later.page?.url }, logFile);
      closers.unshift(() => door.close());
      const circumstances = {
        pid: process.pid,
        started: Date.now(),
        version,
        dir: dir.root,
        account: device.email,
        device: device.device.name,
        webdav: { url: door.url, user: access.user, engine: config['webdav.engine'] },
        cloudUrl: url,
      };
      const mounted = (): string | undefined => mountPoint.state.dir ?? mountPoint.state.wish?.dir;
      const engine = new GatewayBackups({
        gateway,
        remote,
        dataFolder: dir.root,
        synced: () => folders.list().map(({ folder }) => folder),
        mounted,
        log: logFile.log,
        priority: config['backup.priority'],
        parallel: config['backup.parallel'],
      });
      const deferral = new Deferral({
        probes: new SystemProbes(systemProbesOptions),
        onBattery: config['backup.on_battery'],
        onMetered: config['backup.on_metered'],
        onChange: (reason) => {
          logFile.log.info({ reason }, reason === undefined ? 'backups go on' : 'backups wait');
          backups.reconsider();
        },
      });
      closers.unshift(async () => deferral.close());
      const backups = new BackupControls({
        deferred: () => deferral.reason,
        file: dir.backups,
        engine,
        watch: watchFolder,
        clock: { now: Date.now, monotonic: () => performance.now() },
        random: Math.random,
        onFault: (error) => logFile.log.error({ err: error }, 'a step of a backup failed'),
      });
      const hook = new FailureHook({ dataFolder: dir.root, log: logFile.log });
      closers.unshift(() => hook.close());
      const watch = new BackupWatch({
        sets: () => backups.list(),
        onTrouble: (event, own) => hook.notify(own ?? config['backup.on_failure'], event),
      });
      closers.unshift(async () => watch.close());
      const mountPoint = new MountPoint({
        fs: gateway.fs,
        file: dir.mount,
        source: await mountSource(dir),
        taken: () => takenFolders(config, dir),
        onChange: onMount,
        say,
        log: logFile.log.child({ door: 'fuse' }),
      });
      const mount = (body: MountBody): Promise<string> => mountPoint.mount(wishedBy(body, config));
      const folders: FolderControls = new FolderControls({
        gateway,
        device: device.device.name,
        file: dir.folders,
        taken: async () => {
          const mount = mounted();
          const sets = backups.list().map(({ name, folder }) => ({ what: `the backup set ${name}`, path: folder }));
          const drive = mount === undefined ? [] : [{ what: 'the mounted drive', path: mount }];
          return [{ what: "Fjord's data folder", path: dir.root }, ...drive, ...sets];
        },
        watch: watchFolder,
        clock: { now: Date.now, monotonic: () => performance.now() },
        onFault: (error) => logFile.log.error({ err: error }, 'a synced folder failed'),
      });
      const shares = new ShareControls(gateway, remote);
      const links = new LinkControls({ gateway, linking: remote, cloudUrl: url });
      const parts = { gateway, backups, shares, links, folders, bandwidth: limits, mountPoint };
      const openPage = (): string => page.link();
      const controls = new GatewayControls({ ...parts, mount, circumstances, openPage, leave });
      const page = await StatusPage.open({ dir, controls, log: logFile.log });
      later.page = page;
      closers.unshift(() => page.close());
      const control = new ControlServer({ socketPath: dir.controlSocket, controls, log: logFile.log });
      await control.listen();
      closers.unshift(() => control.close());
      await noteRunning(dir);
      await mountPoint.start(wishOf(config));
      closers.unshift(() => backups.close());
      closers.unshift(() => folders.close());
      await deferral.open();
      await backups.open();
      await folders.open();
      watch.start();
      logFile.log.info({ url: door.url, pid: process.pid, version }, 'the gateway serves');
      const cache = cacheDir(config, dir);
      const running = {
        dir,
        cache,
        backups,
        folders,
        remote,
        gateway,
        door,
        control,
        page,
        mountPoint,
        limits,
        deferral,
        watch,
        hook,
        logFile,
        stopCollecting,
      };
      return new GatewayProcess(running, { ...access, url: door.url }, { url, email: device.email });
    } catch (error) {
      for (const close of closers) await close().catch(() => undefined);
      logFile.flush();
      throw error;
    }
  }

  /**
   * Closes the doors, uploads queued changes if `drain` is set, and closes the rest. Resolves to what is not in the
   * cloud.
   */
  async stop(options: { readonly drain: boolean }): Promise<Amount> {
    const {
      dir,
      backups,
      folders,
      remote,
      gateway,
      door,
      control,
      mountPoint,
      limits,
      deferral,
      logFile,
      stopCollecting,
    } = this.#parts;
    this.#life.abort();
    stopCollecting();
    deferral.close();
    const { watch, hook, page } = this.#parts;
    watch.close();
    await Promise.all([hook.close(), mountPoint.close(), door.close(), backups.close(), folders.close()]);
    if (options.drain) await drain(gateway);
    const { queued: files, bytes } = gateway.status();
    await gateway.close();
    await remote.close();
    limits.close();
    await forgetRunning(dir);
    await Promise.all([control.close(), page.close()]);
    logFile.log.info({ queued: files }, 'the gateway ended');
    logFile.flush();
    return { files, bytes };
  }
}

/** V8's garbage collector, if the process was started with `--expose-gc`. */
function collector(): (() => void) | undefined {
  const { gc } = globalThis;
  return gc && (() => gc());
}

async function checkStart(dir: DataDir, config: Config): Promise<DeviceFile> {
  await refuseSecond(dir);
  const device = await readDevice(dir.device);
  if (device !== undefined) return device;
  const cloud = config['cloud.url'] === '' ? '' : ` --cloud ${config['cloud.url']}`;
  throw new Problem('usage', `${dir.root} has no account yet; use \`fjord login EMAIL${cloud}\` or \`fjord start\``);
}

async function openGateway(
  config: Config,
  dir: DataDir,
  remote: HttpRemote,
  { device, email }: DeviceFile,
  { log }: LogFile,
): Promise<Gateway> {
  const cache = cacheDir(config, dir);
  await takeCacheDir(cache, dir, email);
  return Gateway.open({
    dir: cache,
    remote,
    device,
    limits: { cacheBytes: config['cache.size'], minFree: config['cache.min_free'] },
    settle: Math.max(1, config['archive.settle']),
    verifyEvery: config['sync.verify_every'],
    archiveReadable: config['archive.readable'],
    durability: config.durability,
    log,
  });
}

async function openDoor(
  config: Config,
  gateway: Gateway,
  credentials: { readonly user: string; readonly password: string; readonly statusPage: () => string | undefined },
  { log }: LogFile,
): Promise<WebDavDoor> {
  return openWebDavDoor({
    ...credentials,
    fs: gateway.fs,
    lockStore: gateway.stack.locks,
    engine: config['webdav.engine'],
    host: config['webdav.host'],
    port: config['webdav.port'],
    names: config['webdav.names'].split(/[\s,]+/).filter((name) => name !== ''),
    quota: config['webdav.quota'],
    tls: await readTls(config),
    log: log.child({ door: 'webdav' }),
  });
}

async function readTls(config: Config): Promise<{ cert: string; key: string } | undefined> {
  const [cert, key] = [config['webdav.tls_cert'], config['webdav.tls_key']];
  if (cert === '' && key === '') return undefined;
  if (cert === '' || key === '') throw new Problem('usage', 'webdav.tls_cert and webdav.tls_key must be set together');
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}
