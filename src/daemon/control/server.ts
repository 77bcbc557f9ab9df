import fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { FsError } from '../../vfs/fs-error.ts';
import { listenAlone } from '../singleton-socket.ts';
import type { Controls } from './controls.ts';
import { sendFailure, toFailure } from './failure.ts';
import { addFileRoutes } from './file-routes.ts';
import { addStateRoutes } from './state-routes.ts';

export interface ControlServerOptions {
  readonly socketPath: string;
  readonly controls: Controls;
  readonly log: Logger;
}

/**
 * The gateway's control socket: HTTP over a Unix socket (a named pipe on Windows) that only this user can open. Holding
 * the socket also prevents a second gateway from using the same data.
 */
export class ControlServer {
  readonly #app: FastifyInstance;
  readonly #socketPath: string;

  constructor({ socketPath, controls, log }: ControlServerOptions) {
    this.#socketPath = socketPath;
    this.#app = fastify({ forceCloseConnections: true, keepAliveTimeout: 0 });
    this.#app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    this.#app.setErrorHandler((error, request, reply) => sendFailure(error, request, reply, log));
    this.#app.setNotFoundHandler((_request, reply) => reply.code(404).send(toFailure(unknownCall())));
    addFileRoutes(this.#app, controls);
    addStateRoutes(this.#app, controls);
  }

  /** @throws EBUSY if another gateway serves this data */
  async listen(): Promise<void> {
    const path = this.#socketPath;
    const reason = 'a gateway is already running for this data folder; `fjord status` shows it, `fjord down` stops it';
    await this.#app.ready();
    await listenAlone(path, reason, async () => void (await this.#app.listen({ path })));
  }

  /** Closes the socket and its open connections. Idempotent. */
  async close(): Promise<void> {
    await this.#app.close();
  }
}

function unknownCall(): FsError {
  const reason = 'the running gateway does not know this request, as it is of another version; restart it';
  return new FsError('ENOTSUP', 'control', { reason });
}
