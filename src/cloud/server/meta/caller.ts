/** On whose behalf something is done. */
export interface Caller {
  readonly account: string;
  /** `null`: the service itself, or the account's owner with the password. */
  readonly device: string | null;
}
