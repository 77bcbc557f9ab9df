import type { NodeRecord } from '../records.ts';
import type { WireCode } from '../wire-code.ts';

/** The HTTP status of each code. The type requires one for every code. */
export const STATUS: Readonly<Record<WireCode, number>> = {
  bad_request: 400,
  unauthorized: 401,
  code_required: 401,
  forbidden: 403,
  not_found: 404,
  exists: 409,
  conflict: 409,
  gone: 410,
  not_a_folder: 409,
  blocks_missing: 409,
  quota_exceeded: 507,
  name_invalid: 400,
  cursor_expired: 410,
  too_large: 413,
  digest_mismatch: 422,
  damaged: 500,
  too_many_requests: 429,
  unavailable: 503,
  internal: 500,
};

export interface RefusalOptions {
  /** The node as it is now, for `exists`, `conflict` and `gone`. */
  readonly current?: NodeRecord | undefined;
  /** Seconds after which the call may be tried again. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

/**
 * Why the service refuses a request. It is created where the cause is known, and becomes a response in
 * `http/errors.ts`.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: WireCode;
  readonly current: NodeRecord | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: WireCode, message: string, { current, retryAfter, cause }: RefusalOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.current = current;
    this.retryAfter = retryAfter;
  }
}
