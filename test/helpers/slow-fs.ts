import { setImmediate } from 'node:timers/promises';
import type { Context } from '../../src/vfs/context.ts';
import type { FileSystem } from '../../src/vfs/file-system.ts';

export interface Stall {
  /** The method of the port whose calls wait until they are aborted, while this is set. */
  method: string | undefined;
  /** Number of waiting calls. */
  waiting: number;
}

/** Methods that stay synchronous. */
const immediate = new Set<string | symbol>(['watch', 'release', 'then']);

/** Wraps a file system so that every call resolves only after some turns of the event loop. */
export function slowed<T extends object = FileSystem>(target: T, stall: Stall): T {
  return new Proxy(target, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      if (immediate.has(key)) return value.bind(target) as unknown;
      return async (...args: readonly unknown[]) => {
        await setImmediate();
        if (key === stall.method) await aborted(args.at(-1) as Context, stall);
        const result: unknown = await value.apply(target, args);
        await setImmediate();
        return typeof result === 'object' && result !== null && 'close' in result ? slowed(result, stall) : result;
      };
    },
  });
}

async function aborted({ signal }: Context, stall: Stall): Promise<never> {
  stall.waiting++;
  return await new Promise((_, reject) => {
    const stop = (): void => {
      stall.waiting--;
      reject(signal.reason as Error);
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
  });
}
