/** A WebDAV server under measurement, with an empty writable folder. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Of the writable folder; ends in `/`. */
  readonly url: string;
  /** Value of the `Authorization` header, where it wants one. */
  readonly authorization?: string;
  /** False for one that has no PROPFIND. */
  readonly lists?: boolean;
  /** Resident memory of its processes, bytes. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a peer that keeps everything under `dir`. */
export type StartPeer = (dir: string) => Promise<Peer>;
