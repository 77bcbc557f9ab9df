/** The same folder on two computers, both on this machine. */
export interface Pair {
  /** Where changes are made. */
  readonly here: string;
  /** Where they appear. */
  readonly there: string;
  stop(): Promise<void>;
}

export interface Contestant {
  /** As people choose it by `--peers`. */
  readonly id: string;
  readonly name: string;
  version(): Promise<string>;
  /** Starts a pair with all data below `dir`, an empty folder. */
  start(dir: string): Promise<Pair>;
}
