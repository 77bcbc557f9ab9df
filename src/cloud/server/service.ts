import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { Accounts, type AccountInfo } from './accounts.ts';
import { Arrivals } from './blocks/arrivals.ts';
import { BlockReader } from './blocks/block-reader.ts';
import { BlockCarrier } from './blocks/carrier.ts';
import { openBlocks, type OpenBlockStore } from './blocks/open-blocks.ts';
import { Uploads, abandonUploads } from './blocks/uploads.ts';
import type { Clock } from './clock.ts';
import { ClockGuard, type ClockState } from './clock-guard.ts';
import { Collector } from './collector.ts';
import { Digests } from './digests.ts';
import { FileMaker } from './file-maker.ts';
import { makeApp } from './http/app.ts';
import { WebApp } from './http/web-app.ts';
import { Jobs } from './jobs.ts';
import { Limiter } from './limiter.ts';
import { LinkUploads } from './link-uploads.ts';
import { abandonArrivals } from './meta/arrivals.ts';
import type { MetaStore } from './meta/meta-store.ts';
import { openMeta } from './meta/open-meta.ts';
import { Passwords } from './passwords.ts';
import { PushHub } from './push.ts';
import { Rates } from './rates.ts';
import { SecondFactor } from './second-factor.ts';
import { Search } from './search/search.ts';
import { Scrubber, SCRUB_PACE, type ScrubPace } from './scrubber.ts';
import { scrub, type ScrubOptions, type ScrubReport } from './scrub.ts';

const SILENT = { error: () => undefined };
/** Networks of proxies whose `X-Forwarded-For` is trusted. */
const LOOPBACK = ['loopback'];
const PRIVATE = ['loopback', 'linklocal', 'uniquelocal'];
const MINUTE = 60 * 1000;
const HOUR = 60 * MINUTE;
const SPARE = 256 * 1024 * 1024;
/** Requests to public links that one source may send in a minute. */
const VISITS = 600;
/** How long requests in progress may take to end when the service closes, ms. */
const CLOSE_LIMIT = 10_000;

export interface CloudOptions {
  /** Folder for all data of the service; created if it does not exist. Only one process at a time may use it. */
  readonly data: string;
  /** Address of a PostgreSQL database for the metadata, `postgres://…`; SQLite in the folder if absent. */
  readonly database?: string | undefined;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Allows plain HTTP on addresses other than loopback, for a proxy that ends TLS. */
  readonly insecure?: boolean;
  readonly log?: FastifyBaseLogger;
  /** Folder of the built web app, served at `/`. */
  readonly web?: string | undefined;
  /** How long an unreferenced block is kept, ms; default one day. */
  readonly gcGrace?: number;
  /** Limit in bytes of unreferenced blocks, beyond which the oldest are removed within minutes; default 256 MiB. */
  readonly gcSpare?: number;
  /** ms between two rounds of housekeeping; default one hour. */
  readonly jobsEvery?: number;
  /** How stored content is verified in the background. */
  readonly scrub?: ScrubPace;
  /** How often idle push connections show that they are alive, ms; twice within `PUSH_ALIVE` if absent. */
  readonly pushAlive?: number;
  readonly now?: Clock;
  /** Monotonic clock, ms; default the computer's. */
  readonly elapsed?: () => number;
}

export interface Cloud {
  readonly url: string;
  readonly port: number;
  readonly accounts: {
    /** `quota` in bytes, default 1 TiB. @throws Refusal exists, bad_request */
    add(email: string, password: string, quota?: number): Promise<AccountInfo>;
    /** @throws Refusal not_found, bad_request */
    setPassword(email: string, password: string): Promise<void>;
    /** @throws Refusal not_found */
    removeSecondFactor(email: string): Promise<void>;
    /** @throws Refusal not_found, bad_request */
    setQuota(email: string, quota: number): Promise<void>;
    list(): Promise<AccountInfo[]>;
  };
  readonly clock: {
    readonly state: ClockState;
    /** Trusts the system clock on behalf of an administrator. */
    confirm(): Promise<void>;
  };
  /** Verifies all stored blocks; see `scrub`. */
  verify(options: Pick<ScrubOptions, 'repair' | 'signal'>): AsyncGenerator<ScrubReport>;
  /** Runs one round of housekeeping now: Trash, tombstones, unreferenced blocks. */
  housekeep(): Promise<void>;
  /** Waits for requests in progress (at most ten seconds), then releases the data. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts the service. Starting includes recovery; nothing else is needed after a crash.
 * @throws Error if another process uses the data, the address is taken, or it is not loopback and there is no TLS
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  checkHost(options);
  const now = options.now ?? Date.now;
  await mkdir(options.data, { recursive: true, mode: 0o700 });
  const hub = new PushHub(options.pushAlive);
  const moved = (account: string, space: string, rev: number) => hub.publish(account, { type: 'space', space, rev });
  const relisted = (account: string) => hub.publish(account, { type: 'spaces' });
  const meta = await openMeta(options.data, options.database, { now, moved, relisted });
  let store: OpenBlockStore | undefined;
  try {
    store = await openBlocks(options.data);
    return await start(options, { meta, store }, hub, now);
  } catch (error) {
    await store?.close();
    await meta.close();
    throw error;
  }
}

interface Stores {
  readonly meta: MetaStore;
  readonly store: OpenBlockStore;
}

async function start(options: CloudOptions, stores: Stores, hub: PushHub, now: Clock): Promise<Cloud> {
  const { meta, store } = stores;
  const elapsed = options.elapsed ?? (() => performance.now());
  await abandonUploads(meta.db);
  await abandonArrivals(meta.db, now());
  const passwords = new Passwords(new Limiter(elapsed));
  const secondFactor = new SecondFactor(meta, elapsed);
  const accounts = new Accounts(meta, passwords, secondFactor);
  const reader = new BlockReader({ db: meta.db, store, log: options.log ?? SILENT });
  const uploads = new Uploads({ db: meta.db, store, reader, now });
  const arrivals = new Arrivals();
  const fileMaker = new FileMaker({ meta, store, arrivals });
  const carrier = new BlockCarrier({ db: meta.db, reader, uploads, now });
  const linkUploads = new LinkUploads({ meta, uploads });
  const digests = new Digests({ db: meta.db });
  const search = new Search(meta.db, join(options.data, 'names.sqlite'), (error) =>
    (options.log ?? SILENT).error({ err: error }, 'the names of a space were not indexed'),
  );
  const web = options.web === undefined ? undefined : await WebApp.load(options.web);
  const app = makeApp(
    {
      meta,
      reader,
      uploads,
      carrier,
      fileMaker,
      hub,
      digests,
      accounts,
      passwords,
      secondFactor,
      linkUploads,
      search,
      visits: new Rates(VISITS, elapsed),
    },
    { log: options.log, tls: options.tls, proxies: options.insecure === true ? PRIVATE : LOOPBACK, web },
  );
  const { gcGrace: grace = 24 * HOUR, gcSpare: spare = SPARE } = options;
  const collector = new Collector({ db: meta.db, store, now, grace, spare, arrivals });
  const failed = (error: unknown) => app.log.error({ err: error }, 'housekeeping failed');
  const warn = (details: object, message: string) => app.log.warn(details, message);
  const clock = await ClockGuard.open({ file: join(options.data, 'clock.json'), now, elapsed, warn });
  await clock.check();
  const every = { every: options.jobsEvery ?? HOUR, relieveEvery: MINUTE };
  const jobs = new Jobs({ meta, clock, collector, ...every, failed });
  const scrubFile = join(options.data, 'scrub.json');
  const pace = options.scrub ?? SCRUB_PACE;
  const scrubber = new Scrubber({ db: meta.db, reader, file: scrubFile, now, log: app.log, ...pace });
  await app.listen({ host: options.host, port: options.port });
  jobs.start();
  scrubber.start();
  const { port } = app.server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  let closing: Promise<void> | undefined;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    port,
    accounts,
    clock: {
      get state() {
        return clock.state;
      },
      confirm: async () => jobs.confirmClock(),
    },
    verify: (how) => scrub({ db: meta.db, store, ...how }),
    housekeep: async () => jobs.run(),
    close: async () => (closing ??= stop(app, [jobs, scrubber, search], stores)),
  };
}

async function stop(
  app: FastifyInstance,
  jobs: readonly { close(): Promise<void> }[],
  { meta, store }: Stores,
): Promise<void> {
  const limit = setTimeout(() => app.server.closeAllConnections(), CLOSE_LIMIT);
  try {
    await app.close();
    await Promise.all(jobs.map((job) => job.close()));
  } finally {
    clearTimeout(limit);
    await store.close();
    await meta.close();
  }
}

function checkHost({ host, tls, insecure }: CloudOptions): void {
  const loopback = host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
  if (loopback || tls !== undefined || insecure === true) return;
  throw new Error(
    `${host} is not a loopback address; give a certificate (--tls-cert, --tls-key) or allow plain HTTP (--insecure)`,
  );
}
