import { STATUS_CODES } from 'node:http';
import { asFsError } from '../vfs/fs-error.ts';
import type { FsError } from '../vfs/fs-error.ts';
import { DavError } from './dav-error.ts';
import type { Condition } from './dav-error.ts';
import type { Method } from './method.ts';
import type { Outcome } from './outcome.ts';
import { XML_TYPE } from './outcome.ts';
import { WORDS, statusOf } from './status.ts';
import { FJORD } from './xml/element.ts';
import { escapeText } from './xml/escape.ts';

/** An error in the form in which it is sent. */
export interface Failure {
  readonly outcome: Outcome;
  /** The original error, or the `FsError` it was converted to, for the log. */
  readonly error: DavError | FsError;
}

export function failure(thrown: unknown, method: Method | undefined): Failure {
  if (thrown instanceof DavError) {
    const { status, message, condition, headers } = thrown;
    return { outcome: explain(status, message, condition, headers), error: thrown };
  }
  const error = asFsError(thrown, method ?? 'request');
  const retry = error.code === 'EAGAIN' ? ['Retry-After', '5'] : [];
  return { outcome: explain(statusOf(error.code, method), wordsOf(error), undefined, retry), error };
}

/** The reason of an `FsError` if it is meant for people. Messages of unexpected errors go only into the log. */
export function wordsOf(error: FsError): string {
  return error.code === 'EIO' || error.reason === undefined ? WORDS[error.code] : error.reason;
}

/** A `DAV:error` body (RFC 4918 section 14.5). */
export function errorElement(message: string, condition?: Condition, namespace = ' xmlns:D="DAV:"'): string {
  const hrefs = condition?.hrefs?.map((href) => `<D:href>${escapeText(href)}</D:href>`).join('') ?? '';
  const element = condition === undefined ? '' : `<D:${condition.name}>${hrefs}</D:${condition.name}>`;
  return `<D:error${namespace}>${element}<f:message xmlns:f="${FJORD}">${escapeText(message)}</f:message></D:error>`;
}

function explain(status: number, message: string, condition?: Condition, rest: readonly string[] = []): Outcome {
  const type = condition === undefined ? 'text/plain; charset=utf-8' : XML_TYPE;
  const body =
    condition === undefined
      ? `${status} ${STATUS_CODES[status] ?? ''}: ${message}\n`
      : `<?xml version="1.0" encoding="utf-8"?>${errorElement(message, condition)}`;
  return { status, headers: ['Content-Type', type, 'Cache-Control', 'no-store', ...rest], body };
}
