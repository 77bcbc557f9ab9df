/** The parts of a request that authentication needs. */
export interface AuthRequest {
  readonly method: string;
  /** The request target as it was received. */
  readonly url: string;
  readonly authorization: string | undefined;
}
