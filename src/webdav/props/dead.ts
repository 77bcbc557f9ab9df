import { createHash } from 'node:crypto';
import { NAME_MAX } from '../../vfs/name.ts';
import type { Xattrs } from '../../vfs/node.ts';
import type { PropertyName } from './property-name.ts';
import { clark, fromClark } from './property-name.ts';

/**
 * Dead properties are extended attributes of the node. The attribute's name is `user.dav.{namespace}name`, or, if that
 * is too long, `user.dav.#` and its SHA-256. The value is the property's element as self-contained XML; under a hash,
 * it is preceded by a line with the full name.
 */
const PREFIX = 'user.dav.';
const HASHED = `${PREFIX}#`;

export interface DeadProperty {
  readonly name: PropertyName;
  /** The whole element, including its namespace declarations. */
  readonly xml: string;
}

/** The name of the extended attribute for a property. */
export function xattrName(name: PropertyName): string {
  const plain = PREFIX + clark(name);
  if (Buffer.byteLength(plain) <= NAME_MAX) return plain;
  return HASHED + createHash('sha256').update(clark(name)).digest('hex');
}

/** The value of the extended attribute, in base64 as `setattr` takes it. */
export function encodeDead({ name, xml }: DeadProperty): string {
  const head = xattrName(name).startsWith(HASHED) ? `${JSON.stringify(clark(name))}\n` : '';
  return Buffer.from(head + xml).toString('base64');
}

/** The dead property in an extended attribute; `undefined` for other attributes. */
export function decodeDead(attribute: string, value: string): DeadProperty | undefined {
  if (!attribute.startsWith(PREFIX)) return undefined;
  const text = Buffer.from(value, 'base64').toString();
  if (!attribute.startsWith(HASHED)) {
    return attribute.startsWith(`${PREFIX}{`)
      ? { name: fromClark(attribute.slice(PREFIX.length)), xml: text }
      : undefined;
  }
  const line = text.indexOf('\n');
  return line < 0 ? undefined : { name: fromClark(String(JSON.parse(text.slice(0, line)))), xml: text.slice(line + 1) };
}

/** The XML of a property, if the node has it. */
export function findDead(xattrs: Xattrs, attribute: string): string | undefined {
  const value = xattrs[attribute];
  return value === undefined ? undefined : decodeDead(attribute, value)?.xml;
}

export function allDead(xattrs: Xattrs): readonly DeadProperty[] {
  const found: DeadProperty[] = [];
  for (const attribute in xattrs) {
    const property = decodeDead(attribute, xattrs[attribute] ?? '');
    if (property !== undefined) found.push(property);
  }
  return found;
}
