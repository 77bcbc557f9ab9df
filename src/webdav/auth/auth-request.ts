/** What a request says about who sent it. */
export interface AuthRequest {
  readonly method: string;
  /** The request target as it was received. */
  readonly url: string;
  readonly authorization: string | undefined;
}
