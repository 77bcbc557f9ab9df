import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';

/** Validates bodies and queries as they are: nothing is converted, filled in or dropped. */
export const compileSchema: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const checker = Compile(schema);
  return (value: unknown) => {
    if (checker.Check(value)) return { value };
    const [first] = checker.Errors(value);
    return {
      error: new Error(`${httpPart ?? 'value'}${first?.instancePath ?? ''} ${first?.message ?? 'is malformed'}`),
    };
  };
};
