/** A precondition or postcondition element of RFC 4918 section 16 with the resources it speaks of. */
export interface Condition {
  /** Local name in the `DAV:` namespace. */
  readonly name: string;
  readonly hrefs?: readonly string[];
}

export interface DavErrorOptions {
  readonly condition?: Condition;
  /** Flat list of names and values that go on the answer. */
  readonly headers?: readonly string[];
}

/** A request that the protocol itself refuses. What the file system refuses is an `FsError`. */
export class DavError extends Error {
  override readonly name = 'DavError';
  readonly status: number;
  readonly condition: Condition | undefined;
  readonly headers: readonly string[];

  /** `message` goes to the client: say what is wrong and, where it helps, what to do. */
  constructor(status: number, message: string, { condition, headers = [] }: DavErrorOptions = {}) {
    super(message);
    this.status = status;
    this.condition = condition;
    this.headers = headers;
  }
}
