import type { LinkRecord, NewLink, ShareRecord } from '../cloud/records.ts';
import type { Api } from './api.ts';

/** Shared folders and public links of the account. All methods throw `ApiError`. */
export class Sharing {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async shares(): Promise<readonly ShareRecord[]> {
    return (await this.#api.json<{ shares: ShareRecord[] }>('GET', '/v1/shares')).shares;
  }

  /** Invites an address, or changes the role of a member. */
  async share(node: string, email: string, role: 'editor' | 'viewer'): Promise<ShareRecord> {
    return await this.#api.json('POST', '/v1/shares', { body: { node, email, role } });
  }

  async accept({ space }: ShareRecord): Promise<void> {
    await this.#api.json('POST', `/v1/shares/${space}/accept`);
  }

  /** Declines an invitation, or leaves a shared folder. */
  async leave({ space }: ShareRecord): Promise<void> {
    await this.#api.json('POST', `/v1/shares/${space}/leave`);
  }

  async revoke({ space }: ShareRecord, email: string): Promise<void> {
    await this.#api.json('POST', `/v1/shares/${space}/revoke`, { body: { email } });
  }

  /** Ends the sharing for all; the folder stays its owner's. */
  async unshare({ space }: ShareRecord): Promise<void> {
    await this.#api.json('DELETE', `/v1/shares/${space}`);
  }

  async links(): Promise<readonly LinkRecord[]> {
    return (await this.#api.json<{ links: LinkRecord[] }>('GET', '/v1/links')).links;
  }

  async link(link: NewLink): Promise<LinkRecord> {
    return await this.#api.json('POST', '/v1/links', { body: link });
  }

  async unlink({ id }: LinkRecord): Promise<void> {
    await this.#api.json('DELETE', `/v1/links/${id}`);
  }
}

export function addressOfLink({ token }: LinkRecord): string {
  return `${location.origin}/l/${token}`;
}
