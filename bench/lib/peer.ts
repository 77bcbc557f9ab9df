/** A WebDAV server that is measured, with an empty writable folder. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Address of the writable folder; ends in `/`. */
  readonly url: string;
  /** Value of the `Authorization` header, if it needs one. */
  readonly authorization?: string;
  /** False if it does not support PROPFIND. */
  readonly lists?: boolean;
  /** Resolves when it has nothing left to do; absent if it never works by itself. */
  idle?(): Promise<void>;
  /** Resident memory of its processes, bytes. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts a peer with all of its data below `dir`. */
export type StartPeer = (dir: string) => Promise<Peer>;
