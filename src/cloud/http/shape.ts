import { BrokenResponse } from './errors.ts';

/** Validates values of a type. */
export interface Shape<T> {
  has(value: unknown): value is T;
  /** A message that says what is wrong with an invalid value. */
  fault(value: unknown): string;
}

/** Returns the value if it has the shape. @throws BrokenResponse with a message that says where it has not */
export function checked<T>(shape: Shape<T>, value: unknown): T {
  if (shape.has(value)) return value;
  throw new BrokenResponse(`the cloud's response is invalid ${shape.fault(value)}`);
}
