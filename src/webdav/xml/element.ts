/** An attribute that is not a namespace declaration. */
export interface XmlAttribute {
  readonly prefix: string;
  readonly namespace: string;
  readonly name: string;
  readonly value: string;
}

export interface XmlElement {
  readonly prefix: string;
  readonly namespace: string;
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  /** Namespace declarations on this element: from prefix ('' for the default) to namespace. */
  readonly declared: Readonly<Record<string, string>>;
  /** `xml:lang` in scope; '' if none. */
  readonly lang: string;
  readonly children: readonly (XmlElement | string)[];
}

export const DAV = 'DAV:';
/** Namespace of what only Fjord has. */
export const FJORD = 'urn:fjord:dav';
export const XML = 'http://www.w3.org/XML/1998/namespace';

export function isDav(element: XmlElement, name: string): boolean {
  return element.namespace === DAV && element.name === name;
}

export function elementsOf(element: XmlElement): readonly XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string');
}

/** The first child `DAV:name`. */
export function davChild(element: XmlElement, name: string): XmlElement | undefined {
  return elementsOf(element).find((child) => isDav(child, name));
}

/** The character data directly in the element. */
export function textOf(element: XmlElement): string {
  return element.children.filter((child) => typeof child === 'string').join('');
}
