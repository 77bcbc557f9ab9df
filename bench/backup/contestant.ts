/** A program that keeps copies of a folder on a server of its own, which listens on loopback. */
export interface Backup {
  /** Brings the copy up to date. */
  run(): Promise<void>;
  /** Writes the whole copy as it is into `dir`, an empty folder, and resolves to the folder there that equals the source. */
  restore(dir: string): Promise<string>;
  /** What the server keeps is below this folder. */
  readonly stored: string;
  /** The most memory that it has had resident since it was started, bytes; without its server. */
  peak(): Promise<number>;
  stop(): Promise<void>;
}

export interface Contestant {
  /** As people choose it by `--peers`. */
  readonly id: string;
  readonly name: string;
  version(): Promise<string>;
  /** Whether its server is reached by the network, so that what was sent can be counted. */
  readonly network: boolean;
  /** Starts one that copies `source` and keeps everything below `dir`, an empty folder. */
  start(dir: string, source: string): Promise<Backup>;
}
