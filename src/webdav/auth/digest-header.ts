const pair = /\s*([\w*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(,|$)/y;

/** The parameters of an `Authorization: Digest` field, names in lower case. `undefined` if malformed. */
export function parseDigest(field: string): ReadonlyMap<string, string> | undefined {
  const head = /^\s*digest\s+/i.exec(field);
  if (head === null) return undefined;
  const found = new Map<string, string>();
  const scan = new RegExp(pair);
  scan.lastIndex = head[0].length;
  while (scan.lastIndex < field.length) {
    const m = scan.exec(field);
    const name = m?.[1]?.toLowerCase();
    if (!m || name === undefined || found.has(name)) return undefined;
    found.set(name, m[2]?.replaceAll(/\\(.)/g, '$1') ?? m[3] ?? '');
    if (m[4] === '') break;
  }
  return found;
}
