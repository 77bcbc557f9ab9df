import { FsError, type Code } from '../../vfs/fs-error.ts';
import { fsCodeOf } from '../errors.ts';
import { WIRE_CODES, type WireCode } from '../wire-code.ts';
import type { WireError } from './wire.ts';

/** Codes after which a retry may succeed: the service is busy or failing, or bytes were damaged in transit. */
const TEMPORARY: ReadonlySet<WireCode> = new Set(['too_many_requests', 'unavailable', 'internal', 'digest_mismatch']);

/**
 * Status codes after which a retry may succeed, for responses without a body from the service (mostly from a proxy).
 */
const TEMPORARY_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Errors of OpenSSL and Node which mean that the server could not prove to be the cloud. */
const UNTRUSTED = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/;

export function isWireCode(code: unknown): code is WireCode {
  return (WIRE_CODES as readonly unknown[]).includes(code);
}

/** A response other than 2xx. `error` is the service's error in its body, if there is one. */
export class RefusedAnswer extends Error {
  override readonly name = 'RefusedAnswer';
  readonly status: number;
  readonly error: WireError | undefined;
  /** Milliseconds to wait, as requested by the service. */
  readonly after: number | undefined;

  constructor(status: number, error: WireError | undefined, after: number | undefined) {
    super(error?.message ?? `HTTP status ${status}`);
    this.status = status;
    this.error = error;
    this.after = after;
  }
}

/** A 2xx response with invalid content. `temporary` if bytes seem to have been lost or damaged. */
export class BrokenResponse extends Error {
  override readonly name = 'BrokenResponse';
  readonly temporary: boolean;
  /** The code of the final error if retries do not help. */
  readonly code: Code;

  constructor(message: string, { temporary = false, code = 'EIO' }: { temporary?: boolean; code?: Code } = {}) {
    super(message);
    this.temporary = temporary;
    this.code = code;
  }
}

/** A failure of one try as it crosses threads. */
export type FailureRecord =
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly error: WireError | undefined;
      readonly after: number | undefined;
    }
  | { readonly kind: 'broken'; readonly message: string; readonly temporary: boolean; readonly code: Code }
  | { readonly kind: 'other'; readonly message: string; readonly code: string };

/** What `revive` makes an error of that `classify` understands as it does this one. */
export function record(thrown: unknown): FailureRecord {
  if (thrown instanceof RefusedAnswer) {
    const { status, error, after } = thrown;
    return { kind: 'refused', status, error, after };
  }
  if (thrown instanceof BrokenResponse) {
    const { message, temporary, code } = thrown;
    return { kind: 'broken', message, temporary, code };
  }
  return { kind: 'other', message: wordsOf(thrown), code: codeOf(thrown) };
}

export function revive(failure: FailureRecord): Error {
  if (failure.kind === 'refused') return new RefusedAnswer(failure.status, failure.error, failure.after);
  if (failure.kind === 'broken') return new BrokenResponse(failure.message, failure);
  return Object.assign(new Error(failure.message), { code: failure.code });
}

export interface Failure {
  readonly error: FsError;
  /** Whether a retry may succeed. */
  readonly temporary: boolean;
  /** Milliseconds to wait before a retry, as requested by the service. */
  readonly after?: number | undefined;
}

/** Classifies anything that undici or the readers of responses have thrown in a call. */
export function classify(thrown: unknown, op: string, subject: string | undefined, signal: AbortSignal): Failure {
  if (thrown instanceof FsError) return { error: thrown, temporary: false };
  const made = (code: Code, reason: string) => new FsError(code, op, { subject, reason, cause: thrown });
  if (signal.aborted)
    return { error: made(isTimeout(signal.reason) ? 'ETIMEDOUT' : 'EINTR', 'aborted'), temporary: false };
  if (thrown instanceof RefusedAnswer) return { ...refusal(thrown, made), after: thrown.after };
  if (thrown instanceof BrokenResponse) {
    return { error: made(thrown.code, thrown.message), temporary: thrown.temporary };
  }
  return network(thrown, made);
}

type Make = (code: Code, reason: string) => FsError;

function refusal({ status, error }: RefusedAnswer, made: Make): Failure {
  if (error) return { error: made(fsCodeOf(error.code), error.message), temporary: TEMPORARY.has(error.code) };
  if (TEMPORARY_STATUS.has(status)) {
    return { error: made('EAGAIN', `the cloud responded with status ${status}`), temporary: true };
  }
  if (status === 401 || status === 403)
    return { error: made('EACCES', `refused with status ${status}`), temporary: false };
  return {
    error: made('EIO', `unexpected response, status ${status}; is this the address of a cloud?`),
    temporary: false,
  };
}

function network(thrown: unknown, made: Make): Failure {
  const code = codeOf(thrown);
  const words = wordsOf(thrown);
  if (UNTRUSTED.test(code)) return { error: made('EACCES', `the cloud's certificate: ${words}`), temporary: false };
  if (code.startsWith('HPE_')) return { error: made('EIO', `the response is not HTTP: ${words}`), temporary: true };
  if (code === 'UND_ERR_CLOSED' || code === 'UND_ERR_DESTROYED') {
    return { error: made('EINTR', 'the connection to the cloud was closed by this program'), temporary: false };
  }
  if (isNetwork(code)) return { error: made('EAGAIN', `the cloud cannot be reached: ${words}`), temporary: true };
  return { error: made('EIO', words), temporary: false };
}

function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message || codeOf(thrown) : String(thrown);
}

function isNetwork(code: string): boolean {
  return code.startsWith('UND_ERR_') ? !code.startsWith('UND_ERR_INVALID') : /^(E[A-Z]+|EAI_[A-Z]+)$/.test(code);
}

function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return '';
  const { code } = thrown as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  // Several addresses were tried in turn and all failed.
  return thrown instanceof AggregateError && thrown.errors.length > 0 ? codeOf(thrown.errors[0]) : '';
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}
