import { BrokenResponse, isWireCode } from './errors.ts';
import type { WireError } from './wire.ts';

/** Cut on the way, or the page of a hotel: it was not the cloud that said it, so nothing of what was asked is to blame. */
export function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new BrokenResponse("the cloud's response is not JSON: is this its address?", {
      temporary: true,
      code: 'EAGAIN',
    });
  }
}

/** The service's account of an error; undefined if the bytes are not one. */
export function wireErrorOf(bytes: Buffer): WireError | undefined {
  try {
    const value = parse(bytes);
    if (typeof value !== 'object' || value === null) return undefined;
    const { code, message } = value as { code?: unknown; message?: unknown };
    return isWireCode(code) ? { code, message: typeof message === 'string' ? message : code } : undefined;
  } catch {
    return undefined;
  }
}
