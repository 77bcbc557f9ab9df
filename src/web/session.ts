import { signal } from '@preact/signals';
import type { SessionRecord } from '../cloud/records.ts';
import { ApiError, type Api } from './api.ts';

export type SessionState = 'unknown' | 'out' | 'new' | SessionRecord;

/** Who is signed in here; `new`: the cloud has no account yet, and the first one can be made here. */
export class Session {
  readonly state = signal<SessionState>('unknown');
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
    api.onSignedOut = () => (this.state.value = 'out');
  }

  /** @throws ApiError other than that there is no session */
  async resume(): Promise<void> {
    try {
      this.state.value = await this.#api.json<SessionRecord>('GET', '/v1/session');
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'unauthorized') throw error;
      const { open } = await this.#api.json<{ open: boolean }>('GET', '/v1/setup');
      this.state.value = open ? 'new' : 'out';
    }
  }

  /** @throws ApiError */
  async signIn(email: string, password: string, code?: string): Promise<void> {
    const body = { email, password, ...(code === undefined ? {} : { code }), name: browserName(navigator.userAgent) };
    this.state.value = await this.#api.json<SessionRecord>('POST', '/v1/session', { body });
  }

  /** Makes the first account of the cloud, and signs in. @throws ApiError */
  async setUp(email: string, password: string): Promise<void> {
    const body = { email, password, name: browserName(navigator.userAgent) };
    this.state.value = await this.#api.json<SessionRecord>('POST', '/v1/setup', { body });
  }

  /** Signs out all other browsers. @throws ApiError */
  async changePassword(password: string, next: string): Promise<void> {
    await this.#api.json('POST', '/v1/password', { body: { password, next } });
  }

  /** @throws ApiError */
  async signOut(): Promise<void> {
    await this.#api.json('DELETE', '/v1/session');
    this.state.value = 'out';
  }
}

const BROWSERS: readonly [RegExp, string][] = [
  [/\bFirefox\//, 'Firefox'],
  [/\bEdg\//, 'Edge'],
  [/Chrom(e|ium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const SYSTEMS: readonly [RegExp, string][] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS/, 'macOS'],
  [/Linux/, 'Linux'],
];

/** A name for the list of devices. */
export function browserName(agent: string): string {
  const find = (table: readonly [RegExp, string][]) => table.find(([pattern]) => pattern.test(agent))?.[1];
  return [find(BROWSERS) ?? 'Browser', find(SYSTEMS)].filter(Boolean).join(', ');
}
