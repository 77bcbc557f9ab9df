import type { Awaitable } from '../vfs/context.ts';
import type { OperationName } from './failures.ts';
import type { Request } from './request.ts';
import type { State } from './state.ts';
import { OutHeader } from './wire/structs.ts';

/** Offset of the body in a response. */
export const BODY = OutHeader.size;

/** The implementation of an opcode: decode, run, encode. */
export interface Operation<A, R> {
  readonly name: OperationName;
  /** Whether the response may be as long as a READ's. Others are at most 8 KiB. */
  readonly big?: boolean;
  /** Whether the arguments refer to the frame's memory, so that it must not be reused. */
  readonly keepsFrame?: boolean;
  /** Whether the kernel expects no response. */
  readonly silent?: boolean;
  decode(request: Request): A;
  /** Runs the operation. It may already write to `out` from `BODY` on. */
  run(state: State, request: Request, args: A, out: Buffer): Awaitable<R>;
  /** Writes the response's body to `out` at `BODY`, and returns its length. */
  encode(state: State, result: R, out: Buffer): number;
  /** Undoes a result that is no longer wanted, because it came too late. */
  drop?(result: R): void;
}

/** An `Operation` with its types hidden. */
export interface Handler {
  readonly name: OperationName;
  readonly big: boolean;
  readonly keepsFrame: boolean;
  readonly silent: boolean;
  /** Runs the operation and resolves to the length of the body in `out`. */
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

/** An `encode` for operations without a result. */
export function nothing(): number {
  return 0;
}
