/** Wraps the object, and closable objects that its methods return, to count the calls by name. */
export function counting<T extends object>(target: T, counts: Record<string, number>): T {
  return new Proxy(target, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string' || key === 'then') return value;
      return (...args: readonly unknown[]) => {
        counts[key] = (counts[key] ?? 0) + 1;
        const result: unknown = value.apply(target, args);
        if (result instanceof Promise) return result.then((result: unknown) => closable(result, counts));
        return closable(result, counts);
      };
    },
  });
}

function closable(result: unknown, counts: Record<string, number>): unknown {
  if (typeof result !== 'object' || result === null || !('close' in result)) return result;
  return counting(result, counts);
}
