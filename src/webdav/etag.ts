import type { Attr } from '../vfs/node.ts';

/** The strong entity tag of a file, quotes included; `undefined` for folders, whose listing has none. */
export function etagOf(attr: Attr): string | undefined {
  return attr.kind === 'folder' ? undefined : `"${attr.version}"`;
}

/** `*`, or the tags of an `If-Match` or `If-None-Match` field, weak ones with their `W/`. */
export function parseEtags(field: string): '*' | readonly string[] {
  return field.trim() === '*' ? '*' : (field.match(/(?:W\/)?"[^"]*"/g) ?? []);
}

/** RFC 9110 section 8.8.3.2: equal and both strong. */
export function strongEqual(a: string, b: string): boolean {
  return a === b && !a.startsWith('W/');
}

/** RFC 9110 section 8.8.3.2: equal but for the mark of weakness. */
export function weakEqual(a: string, b: string): boolean {
  return strip(a) === strip(b);
}

function strip(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}
