import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Context } from '../vfs/context.ts';
import type { Method } from './method.ts';
import type { DavPath } from './path.ts';
import type { RequestBody } from './request-body.ts';

/** A request that has passed the guards, as verbs receive it. */
export interface DavRequest {
  readonly method: Method;
  readonly path: DavPath;
  readonly headers: IncomingHttpHeaders;
  readonly body: RequestBody;
  /** Aborts when the client disconnects. */
  readonly context: Context;
}

/** The value of a header that may occur only once; Node joins repeated ones. */
export function header(request: { readonly headers: IncomingHttpHeaders }, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** The `Host` field or the authority of an absolute request target. */
export function hostOf(req: IncomingMessage, authority: string | undefined): string | undefined {
  return authority ?? req.headers.host;
}
