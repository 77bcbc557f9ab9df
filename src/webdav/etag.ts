import type { Attr } from '../vfs/node.ts';

/** The strong entity tag of a file, with its quotes; `undefined` for folders, whose listings have none. */
export function etagOf(attr: Attr): string | undefined {
  return attr.kind === 'folder' ? undefined : `"${attr.version}"`;
}

/** Parses an `If-Match` or `If-None-Match` field: `*`, or its tags, weak ones with their `W/`. */
export function parseEtags(field: string): '*' | readonly string[] {
  return field.trim() === '*' ? '*' : (field.match(/(?:W\/)?"[^"]*"/g) ?? []);
}

/** RFC 9110 section 8.8.3.2: equal and both strong. */
export function strongEqual(a: string, b: string): boolean {
  return a === b && !a.startsWith('W/');
}

/** RFC 9110 section 8.8.3.2: equal, apart from the `W/` of weak ones. */
export function weakEqual(a: string, b: string): boolean {
  return strip(a) === strip(b);
}

function strip(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}
