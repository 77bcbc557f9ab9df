import { DAV } from '../xml/element.ts';
import { escapeAttribute } from '../xml/escape.ts';

/** Name of a property: `namespace` may be ''. */
export interface PropertyName {
  readonly namespace: string;
  readonly name: string;
}

/** `{namespace}name`, the key of tables. */
export function clark({ namespace, name }: PropertyName): string {
  return `{${namespace}}${name}`;
}

/** The inverse of `clark`: local names of XML hold no brace, namespaces may. */
export function fromClark(text: string): PropertyName {
  const brace = text.lastIndexOf('}');
  return { namespace: text.slice(1, brace), name: text.slice(brace + 1) };
}

/** The empty element of that name; `D` must be bound to `DAV:` where it goes. */
export function emptyElement({ namespace, name }: PropertyName): string {
  return namespace === DAV ? `<D:${name}/>` : `<${name} xmlns="${escapeAttribute(namespace)}"/>`;
}
