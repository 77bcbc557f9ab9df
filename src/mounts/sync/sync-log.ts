/** Where the two loops report. */
export interface SyncLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}
