export interface UserPassword {
  readonly user: string;
  readonly password: string;
}

/**
 * Parses a Basic field (RFC 7617). The password is everything after the first colon, further colons included.
 * `undefined` if malformed.
 */
export function parseBasic(field: string): UserPassword | undefined {
  const encoded = /^\s*basic\s+([A-Za-z\d+/_-]+={0,2})\s*$/i.exec(field)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
