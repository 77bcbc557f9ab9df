/** The account and device on whose behalf an operation runs. */
export interface Caller {
  readonly account: string;
  /** `null`: the service itself, or the account's owner with the password. */
  readonly device: string | null;
}
