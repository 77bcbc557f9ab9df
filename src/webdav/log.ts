type Write = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** The part of a structured logger, such as pino, that the server uses. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

const nothing: Write = () => {};

export const silent: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
