/** Where the door tells what a person may want to know; `pino` fits. */
export interface FuseLog {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}
