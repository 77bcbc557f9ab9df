/** The part of a structured logger, such as pino, that the server uses. */
export interface FuseLog {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
