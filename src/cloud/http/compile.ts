import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Shape } from './shape.ts';

/**
 * Compiles a schema, as some responses have millions of records. Apart from `Http`, because the thread of downloads would load the
 * compiler with it, which took longer than the first 64 MiB.
 */
export function compile<T extends TSchema>(schema: T): Shape<Static<T>> {
  const validator = Compile(schema);
  return {
    has: (value): value is Static<T> => validator.Check(value),
    fault: (value) => {
      const [error] = validator.Errors(value);
      return `at '${error?.instancePath ?? ''}': ${error?.message ?? ''}`;
    },
  };
}
