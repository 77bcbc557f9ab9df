import type { Fjord } from './gateway-process.ts';

export interface DavAnswer {
  readonly status: number;
  readonly bytes: Buffer;
  readonly text: string;
}

export interface DavBody {
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a request to the WebDAV server of a program. The path begins with the name of a mount, and must be escaped. */
export async function davAsk(
  fjord: Fjord,
  method: string,
  path: string,
  { body, headers = {} }: DavBody = {},
): Promise<DavAnswer> {
  const { url, user, password } = fjord.webdav;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const answer = await fetch(url + path, {
    method,
    headers: { authorization, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, bytes, text: bytes.toString() };
}
