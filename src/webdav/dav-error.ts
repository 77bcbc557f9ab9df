/** A precondition or postcondition element of RFC 4918 section 16, with the resources that it names. */
export interface Condition {
  /** Local name in the `DAV:` namespace. */
  readonly name: string;
  readonly hrefs?: readonly string[];
}

export interface DavErrorOptions {
  readonly condition?: Condition;
  /** Headers of the response, as a flat list of names and values. */
  readonly headers?: readonly string[];
}

/** A refusal because of the protocol. A refusal by the file system is an `FsError`. */
export class DavError extends Error {
  override readonly name = 'DavError';
  readonly status: number;
  readonly condition: Condition | undefined;
  readonly headers: readonly string[];

  /** @param message sent to the client: says what is wrong and, where that helps, what to do */
  constructor(status: number, message: string, { condition, headers = [] }: DavErrorOptions = {}) {
    super(message);
    this.status = status;
    this.condition = condition;
    this.headers = headers;
  }
}
