import { LogController, fastify, type FastifyBaseLogger, type FastifyInstance, type FastifyRequest } from 'fastify';
import { accountRoutes } from './account.ts';
import { authenticate } from './auth.ts';
import { backupContentRoutes } from './backup-content.ts';
import { blockRoutes } from './blocks.ts';
import { contentRoutes } from './content.ts';
import { deviceRoutes, loginRoute } from './devices.ts';
import { answerClientError, answerError, answerNotFound } from './errors.ts';
import { feedRoutes } from './feed.ts';
import { fileRoutes } from './files.ts';
import { intentRoutes } from './intents.ts';
import { linkRoutes } from './links.ts';
import { nodeRoutes } from './nodes.ts';
import type { Parts } from './parts.ts';
import { PublicLinks } from './public/routes.ts';
import { pushRoutes } from './push.ts';
import { searchRoutes } from './search.ts';
import { secondFactorRoutes } from './second-factor.ts';
import { sessionRoutes, signInRoute } from './session.ts';
import { setupRoutes } from './setup.ts';
import { shareRoutes } from './shares.ts';
import { spaceRoutes } from './spaces.ts';
import { trashRoutes } from './trash.ts';
import { usageRoutes } from './usage.ts';
import { compileSchema } from './validate.ts';
import { versionRoutes } from './versions.ts';
import type { WebApp } from './web-app.ts';
import { zipRoutes } from './zip.ts';

/** Largest body in bytes, unless a route sets its own limit. */
const BODY_LIMIT = 2 * 1024 * 1024;

/** How long a request may take to arrive, ms: one that may be as large as a file, and any other. */
const UPLOAD_TIMEOUT = 24 * 60 * 60 * 1000;
const TIMEOUT = 300_000;

export interface AppOptions {
  readonly log: FastifyBaseLogger | undefined;
  readonly tls: { readonly key: string | Buffer; readonly cert: string | Buffer } | undefined;
  /** Networks of proxies whose `X-Forwarded-For` is trusted. */
  readonly proxies: string[];
  /** What `/` shows. */
  readonly web: WebApp | undefined;
}

/**
 * Builds the API, not yet listening. Every route but signing in, health, public links and the files of the web app requires a device
 * token or a session.
 */
export function makeApp(parts: Parts, { log, tls, proxies, web }: AppOptions): FastifyInstance {
  const app = fastify({
    ...(log === undefined ? {} : { loggerInstance: log }),
    ...(tls === undefined ? {} : ({ https: tls } as object)),
    bodyLimit: BODY_LIMIT,
    trustProxy: proxies,
    requestTimeout: UPLOAD_TIMEOUT,
    exposeHeadRoutes: false,
    logController: new LogController({ disableRequestLogging: true }),
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  });
  app.setValidatorCompiler(compileSchema);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  app.addHook('onRequest', async (request) => limitArrival(request));
  app.addHook('preClose', async () => parts.hub.end());
  app.get('/v1/health', async () => ({ status: 'ok' }));
  app.register(async (open) => loginRoute(open, parts));
  app.register(async (open) => signInRoute(open, parts));
  app.register(async (open) => setupRoutes(open, parts));
  const links = new PublicLinks(parts);
  app.register(async (open) => links.routes(open));
  if (web !== undefined) app.register(async (open) => web.routes(open));
  app.register(async (closed) => {
    authenticate(closed, parts.meta);
    for (const routes of ROUTES) routes(closed, parts);
  });
  return app;
}

const ROUTES: readonly ((app: FastifyInstance, parts: Parts) => void)[] = [
  sessionRoutes,
  accountRoutes,
  secondFactorRoutes,
  deviceRoutes,
  spaceRoutes,
  shareRoutes,
  linkRoutes,
  feedRoutes,
  pushRoutes,
  blockRoutes,
  contentRoutes,
  fileRoutes,
  intentRoutes,
  nodeRoutes,
  searchRoutes,
  versionRoutes,
  trashRoutes,
  backupContentRoutes,
  usageRoutes,
  zipRoutes,
];

/** Ends the connection of a request that does not arrive in time, or of an upload of which nothing arrives any more. */
function limitArrival({ raw, routeOptions }: FastifyRequest): void {
  if (raw.complete) return;
  const isUpload = 'isUpload' in routeOptions.config;
  let seen = 0;
  const look = () => {
    if (raw.complete) return clearInterval(timer);
    if (isUpload && raw.socket.bytesRead > seen) seen = raw.socket.bytesRead;
    else raw.socket.destroy();
  };
  const timer = setInterval(look, TIMEOUT).unref();
  raw.once('close', () => clearInterval(timer));
}
