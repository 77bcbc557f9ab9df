/**
 * For content of users: it is a download, whatever is in it, and no browser runs it in this origin.
 * @param name under which it is saved (RFC 6266, RFC 8187)
 */
export function downloadHeaders(name: string | undefined): Record<string, string> {
  const file = name === undefined ? '' : `; filename*=UTF-8''${encoded(name)}`;
  return {
    'content-disposition': `attachment${file}`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'private, no-cache',
  };
}

function encoded(name: string): string {
  const code = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(name).replaceAll(/['()*]/g, code);
}
