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

/** The inverse of `clark`. Namespaces may contain braces, local names cannot. */
export function fromClark(text: string): PropertyName {
  const brace = text.lastIndexOf('}');
  return { namespace: text.slice(1, brace), name: text.slice(brace + 1) };
}

/** An empty element of this name. The surrounding XML must bind `D` to `DAV:`. */
export function emptyElement({ namespace, name }: PropertyName): string {
  return namespace === DAV ? `<D:${name}/>` : `<${name} xmlns="${escapeAttribute(namespace)}"/>`;
}
