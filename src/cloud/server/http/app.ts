import { LogController, fastify, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { authenticate } from './auth.ts';
import { blockRoutes } from './blocks.ts';
import { contentRoutes } from './content.ts';
import { deviceRoutes, loginRoute } from './devices.ts';
import { answerClientError, answerError, answerNotFound } from './errors.ts';
import { feedRoutes } from './feed.ts';
import { intentRoutes } from './intents.ts';
import { nodeRoutes } from './nodes.ts';
import type { Parts } from './parts.ts';
import { pushRoutes } from './push.ts';
import { sessionRoutes, signInRoute } from './session.ts';
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

export interface AppOptions {
  readonly log: FastifyBaseLogger | undefined;
  readonly tls: { readonly key: string | Buffer; readonly cert: string | Buffer } | undefined;
  /** Networks of proxies whose `X-Forwarded-For` is trusted. */
  readonly proxies: string[];
  /** What `/` shows. */
  readonly web: WebApp | undefined;
}

/**
 * Builds the API, not yet listening. Every route but signing in, health and the files of the web app requires a device
 * token or a session.
 */
export function makeApp(parts: Parts, { log, tls, proxies, web }: AppOptions): FastifyInstance {
  const app = fastify({
    ...(log === undefined ? {} : { loggerInstance: log }),
    ...(tls === undefined ? {} : ({ https: tls } as object)),
    bodyLimit: BODY_LIMIT,
    trustProxy: proxies,
    requestTimeout: 300_000,
    exposeHeadRoutes: false,
    logController: new LogController({ disableRequestLogging: true }),
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
  });
  app.setValidatorCompiler(compileSchema);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  app.addHook('preClose', async () => parts.hub.end());
  app.get('/v1/health', async () => ({ status: 'ok' }));
  app.register(async (open) => loginRoute(open, parts));
  app.register(async (open) => signInRoute(open, parts));
  if (web !== undefined) app.register(async (open) => web.routes(open));
  app.register(async (closed) => {
    authenticate(closed, parts.meta);
    for (const routes of ROUTES) routes(closed, parts);
  });
  return app;
}

const ROUTES: readonly ((app: FastifyInstance, parts: Parts) => void)[] = [
  sessionRoutes,
  deviceRoutes,
  spaceRoutes,
  shareRoutes,
  feedRoutes,
  pushRoutes,
  blockRoutes,
  contentRoutes,
  intentRoutes,
  nodeRoutes,
  versionRoutes,
  trashRoutes,
  usageRoutes,
  zipRoutes,
];
