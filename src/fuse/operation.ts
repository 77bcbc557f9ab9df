import type { Awaitable } from '../vfs/context.ts';
import type { OperationName } from './failures.ts';
import type { Request } from './request.ts';
import type { State } from './state.ts';
import { OutHeader } from './wire/structs.ts';

/** Where the body of an answer begins. */
export const BODY = OutHeader.size;

/** How one opcode is answered: decode, run, encode. */
export interface Operation<A, R> {
  readonly name: OperationName;
  /** The answer may be as long as a READ's. Others have 8 KiB. */
  readonly big?: boolean;
  /** The arguments point into the frame. */
  readonly keepsFrame?: boolean;
  /** The kernel waits for no answer. */
  readonly silent?: boolean;
  decode(request: Request): A;
  /** May write into `out` behind `BODY` already. */
  run(state: State, request: Request, args: A, out: Buffer): Awaitable<R>;
  /** Writes the answer into `out` at `BODY`; gives its length. */
  encode(state: State, result: R, out: Buffer): number;
  /** Takes a result back that came too late. */
  drop?(result: R): void;
}

/** An `Operation` whose types are its own business. */
export interface Handler {
  readonly name: OperationName;
  readonly big: boolean;
  readonly keepsFrame: boolean;
  readonly silent: boolean;
  /** The length of the body in `out`. */
  begin(state: State, request: Request, out: Buffer): Awaitable<number>;
}

export function operation<A, R>(op: Operation<A, R>): Handler {
  const { name, big = false, keepsFrame = false, silent = false } = op;
  const begin = (state: State, request: Request, out: Buffer): Awaitable<number> => {
    const result = op.run(state, request, op.decode(request), out);
    if (!(result instanceof Promise)) return op.encode(state, result, out);
    return result.then((result) => {
      if (!request.answered) return op.encode(state, result, out);
      op.drop?.(result);
      return 0;
    });
  };
  return { name, big, keepsFrame, silent, begin };
}

/** For `encode` of what has nothing to tell but success. */
export function nothing(): number {
  return 0;
}
