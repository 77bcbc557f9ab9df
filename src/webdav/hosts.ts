/**
 * Names of this computer that are always accepted. Checking `Host` and `Origin` protects against DNS rebinding and
 * other sites.
 */

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

export class Hosts {
  readonly #names: ReadonlySet<string>;
  /** The last accepted `Host` field, as nearly all requests have the same one. */
  #last: string | undefined;

  /** @param extra names, besides the loopback ones, by which clients may address the server */
  constructor(extra: readonly string[]) {
    this.#names = new Set([...LOOPBACK, ...extra.map((name) => bracket(name.toLowerCase()))]);
  }

  /** True for a `Host` field that names this server, with any port, as ports may be forwarded. */
  allows(host: string): boolean {
    if (host === this.#last) return true;
    const authority = parseAuthority(host);
    if (authority === undefined || !this.#names.has(authority.name)) return false;
    this.#last = host;
    return true;
  }

  /** True unless a page of another site sent the request. */
  allowsOrigin(origin: string, host: string | undefined): boolean {
    const rest = /^https?:\/\/(.*)$/i.exec(origin)?.[1];
    return rest !== undefined && host !== undefined && rest.toLowerCase() === host.toLowerCase() && this.allows(rest);
  }

  /** True for an authority that is this server: one of its names, and the port that the request was sent to. */
  isOwn(text: string, host: string | undefined): boolean {
    const authority = parseAuthority(text.slice(text.lastIndexOf('@') + 1));
    if (authority === undefined) return false;
    const own = host === undefined ? undefined : parseAuthority(host);
    return this.#names.has(authority.name) && (own === undefined || own.port === authority.port);
  }
}

function parseAuthority(text: string): { readonly name: string; readonly port: string } | undefined {
  const m = /^(\[[\da-f:.]+\]|[^:[\]/\s]+)(?::(\d*))?$/i.exec(text);
  return m?.[1] === undefined ? undefined : { name: m[1].toLowerCase().replace(/\.$/, ''), port: m[2] || '' };
}

/** An address with the brackets that IPv6 has in URLs. */
export function bracket(name: string): string {
  return name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
}

/**
 * True for an address that means listening on all interfaces, such as 0.0.0.0, which clients cannot use as a host name.
 */
export function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::' || host === '[::]';
}

/** True for an address to listen on that other computers cannot reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
