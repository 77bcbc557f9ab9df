import { DavError } from './dav-error.ts';

/** One condition of RFC 4918 section 10.4.2. */
export interface IfCondition {
  readonly not: boolean;
  /** A state token (an absolute URI, without the angle brackets) or an entity tag (with its quotes). */
  readonly what: 'token' | 'etag';
  readonly value: string;
}

/** Conditions that must all hold, for one resource. */
export interface IfList {
  /** The resource tag as written, without the angle brackets; `undefined` means the request's own resource. */
  readonly tag: string | undefined;
  readonly conditions: readonly IfCondition[];
}

const lexeme = /\s*(?:(\()|(\))|(,)|<([^<>\s]*)>|\[\s*((?:W\/)?"[^"]*")\s*\]|(not)(?=[\s<[]))/iy;

/**
 * Parses an `If` field (RFC 4918 section 10.4). The lists are alternatives.
 * @throws DavError 400 if the syntax is invalid
 */
export function parseIf(field: string): readonly IfList[] {
  const parser = new Parser();
  const text = field.trim();
  const token = new RegExp(lexeme);
  while (token.lastIndex < text.length) {
    const m = token.exec(text);
    if (!m) throw malformed();
    parser.accept(m);
  }
  return parser.finish();
}

/**
 * Every state token in the field. RFC 4918 section 10.4.1: tokens count as submitted even if their list does not hold.
 */
export function submittedTokens(lists: readonly IfList[]): ReadonlySet<string> {
  const tokens = new Set<string>();
  for (const list of lists) {
    for (const condition of list.conditions) if (condition.what === 'token') tokens.add(condition.value);
  }
  return tokens;
}

class Parser {
  readonly #lists: IfList[] = [];
  #tag: string | undefined;
  #tagUsed = true;
  #open: IfCondition[] | undefined;
  #not = false;

  accept([, open, close, comma, uri, etag, not]: RegExpExecArray): void {
    if (open !== undefined) return this.#begin();
    if (close !== undefined) return this.#end();
    if (not !== undefined) return this.#negate();
    if (uri !== undefined && this.#open === undefined) return this.#resource(uri);
    if (uri !== undefined) return this.#add('token', uri);
    if (etag !== undefined) return this.#add('etag', etag);
    if (comma === undefined || this.#open !== undefined) throw malformed();
  }

  finish(): readonly IfList[] {
    if (this.#open !== undefined || !this.#tagUsed || this.#lists.length === 0) throw malformed();
    return this.#lists;
  }

  #begin(): void {
    if (this.#open !== undefined) throw malformed();
    this.#open = [];
  }

  #end(): void {
    if (this.#open === undefined || this.#open.length === 0 || this.#not) throw malformed();
    this.#lists.push({ tag: this.#tag, conditions: this.#open });
    this.#open = undefined;
    this.#tagUsed = true;
  }

  #negate(): void {
    if (this.#open === undefined || this.#not) throw malformed();
    this.#not = true;
  }

  /** Tagged and untagged lists cannot be mixed: a tag may only come first, or after the lists of another tag. */
  #resource(uri: string): void {
    if (!this.#tagUsed || (this.#tag === undefined && this.#lists.length > 0) || uri === '') throw malformed();
    this.#tag = uri;
    this.#tagUsed = false;
  }

  #add(what: IfCondition['what'], value: string): void {
    if (this.#open === undefined || value === '') throw malformed();
    this.#open.push({ not: this.#not, what, value });
    this.#not = false;
  }
}

function malformed(): DavError {
  return new DavError(400, 'The If header is malformed (RFC 4918 section 10.4).');
}
