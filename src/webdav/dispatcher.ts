import type { IncomingMessage, ServerResponse } from 'node:http';
import { isFsError } from '../vfs/fs-error.ts';
import type { Authenticator } from './auth/auth.ts';
import { DavError } from './dav-error.ts';
import type { Door } from './door.ts';
import { failure } from './failure.ts';
import type { Hosts } from './hosts.ts';
import type { Log } from './log.ts';
import { ALLOW, isMethod } from './method.ts';
import type { Limits } from './options.ts';
import { Outbox } from './outbox.ts';
import type { Outcome } from './outcome.ts';
import { parsePath, splitTarget } from './path.ts';
import type { RawTarget } from './path.ts';
import { RequestBody } from './request-body.ts';
import { RequestContext } from './request-context.ts';
import { respond } from './respond.ts';
import { options } from './verbs/options.ts';
import { VERBS } from './verbs/table.ts';

export interface DispatcherParts {
  readonly door: Door;
  readonly hosts: Hosts;
  readonly auth: Authenticator;
  readonly log: Log;
  readonly limits: Limits;
}

/** Checks requests, passes each to its verb, sends the outcome and logs it. No other code does any of these. */
export class Dispatcher {
  readonly #door: Door;
  readonly #hosts: Hosts;
  readonly #auth: Authenticator;
  readonly #log: Log;
  readonly #limits: Limits;
  readonly #outbox = new Outbox();
  #draining = false;
  #active = 0;
  #whenIdle: (() => void) | undefined;

  constructor({ door, hosts, auth, log, limits }: DispatcherParts) {
    this.#door = door;
    this.#hosts = hosts;
    this.#auth = auth;
    this.#log = log;
    this.#limits = limits;
  }

  /** From this call on, every response closes its connection. Resolves when no request is in progress. */
  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#active > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }

  /** Never throws and never rejects. `awaited`: the client waits for `100 Continue` before it sends the body. */
  async serve(req: IncomingMessage, res: ServerResponse, awaited: boolean): Promise<void> {
    const body = new RequestBody(req, res, this.#limits, awaited);
    const context = new RequestContext();
    this.#active++;
    res.on('error', ignore).on('close', () => {
      if (!res.writableFinished) context.abort();
      this.#ended();
    });
    let outcome: Outcome | undefined;
    try {
      outcome = await this.#respond(req, body, context);
    } catch (error) {
      outcome = this.#failed(error, req);
    }
    try {
      await this.#send(req, res, body, outcome);
    } catch (error) {
      res.destroy();
      if (!isFsError(error, 'EINTR')) this.#report('warn', 'The response broke off', req, outcome.status, error);
    } finally {
      await this.#release(req, outcome);
    }
  }

  #ended(): void {
    if (--this.#active === 0) this.#whenIdle?.();
  }

  async #respond(req: IncomingMessage, body: RequestBody, context: RequestContext): Promise<Outcome> {
    const { method, url = '' } = req;
    const star = url === '*' && method === 'OPTIONS';
    const target: RawTarget = star ? { authority: undefined, path: '/' } : splitTarget(url);
    this.#guard(req, target.authority);
    if (!isMethod(method)) {
      throw new DavError(405, 'The server does not support this method; Allow lists those that it supports.', {
        headers: ['Allow', ALLOW],
      });
    }
    const path = parsePath(target.path);
    if (method === 'OPTIONS') return options();
    this.#auth.check({ method, url, authorization: req.headers.authorization });
    checkCoding(req, body);
    return VERBS[method]({ method, path, headers: req.headers, body, context }, this.#door);
  }

  /** Refuses requests that a page of another site may have sent. @throws DavError 403, 421 */
  #guard(req: IncomingMessage, authority: string | undefined): void {
    const { origin } = req.headers;
    const host = authority ?? req.headers.host;
    if (host !== undefined && !this.#hosts.allows(host)) {
      throw new DavError(
        421,
        'The server is not known by this host name. Use localhost or 127.0.0.1, or add the name to the setting webdav.names.',
      );
    }
    if (origin !== undefined && !this.#hosts.allowsOrigin(origin, host)) {
      throw new DavError(403, 'Web pages of other sites may not access the drive.');
    }
  }

  async #send(req: IncomingMessage, res: ServerResponse, body: RequestBody, outcome: Outcome): Promise<void> {
    const { swallow, sendIdle } = this.#limits;
    const unread = body.pending;
    const rest = unread && !body.refused;
    const close = this.#draining || (unread && (body.refused || (body.length ?? Infinity) > swallow));
    const linger = rest && close ? async (): Promise<void> => body.swallow(swallow) : undefined;
    const head = req.method === 'HEAD';
    await respond(res, outcome, { head, close, idle: sendIdle, outbox: this.#outbox, ...(linger && { linger }) });
    if (rest && !close) req.resume();
    this.#log.debug({ method: req.method, url: req.url, status: outcome.status }, 'request');
  }

  #failed(thrown: unknown, req: IncomingMessage): Outcome {
    const method = isMethod(req.method) ? req.method : undefined;
    const { outcome, error } = failure(thrown, method);
    const level = outcome.status >= 500 && !isFsError(error, 'EINTR') ? 'error' : 'debug';
    this.#report(level, 'The request failed', req, outcome.status, error);
    return outcome;
  }

  async #release(req: IncomingMessage, outcome: Outcome): Promise<void> {
    try {
      await outcome.release?.();
    } catch (error) {
      this.#report('warn', 'The file could not be closed', req, outcome.status, error);
    }
  }

  #report(
    level: 'debug' | 'warn' | 'error',
    message: string,
    req: IncomingMessage,
    status: number,
    err: unknown,
  ): void {
    this.#log[level]({ method: req.method, url: req.url, status, err }, message);
  }
}

/**
 * Listener for socket errors. The code that writes the response handles them; without a listener the event would end
 * the process.
 */
function ignore(): void {}

/** RFC 9110 section 8.4: an encoded body must not be stored as if it were the content. @throws DavError 415 */
function checkCoding(req: IncomingMessage, body: RequestBody): void {
  const coding = req.headers['content-encoding'];
  if (coding === undefined || coding.toLowerCase() === 'identity' || body.length === 0) return;
  throw new DavError(415, 'Content-Encoding is not supported; send the body without it.');
}
