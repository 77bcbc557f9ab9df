import type { XmlElement } from './element.ts';
import { XML } from './element.ts';
import { escapeAttribute, escapeText } from './escape.ts';

type Scope = Readonly<Record<string, string>>;

/**
 * The element as self-contained XML, which means the same in any context: every namespace is declared in it, and
 * prefixes (RFC 4918 section 4.3) and the language in scope are kept.
 */
export function writeElement(element: XmlElement): string {
  const spoken = element.attributes.some((a) => a.namespace === XML && a.name === 'lang');
  const lang = spoken || element.lang === '' ? '' : ` xml:lang="${escapeAttribute(element.lang)}"`;
  return write(element, { '': '', xml: XML }, lang);
}

/** The content of the element as self-contained XML, as by `writeElement`. */
export function writeContent(element: XmlElement): string {
  return element.children
    .map((child) => (typeof child === 'string' ? escapeText(child) : writeElement(child)))
    .join('');
}

function write(element: XmlElement, outer: Scope, extra: string): string {
  const scope: Record<string, string> = { ...outer, ...element.declared, [element.prefix]: element.namespace };
  for (const a of element.attributes) if (a.prefix !== '') scope[a.prefix] = a.namespace;
  const tag = qualified(element.prefix, element.name);
  const declarations = Object.keys(scope)
    .filter((prefix) => scope[prefix] !== outer[prefix])
    .map((prefix) => ` ${prefix === '' ? 'xmlns' : `xmlns:${prefix}`}="${escapeAttribute(scope[prefix] ?? '')}"`);
  const attributes = element.attributes.map((a) => ` ${qualified(a.prefix, a.name)}="${escapeAttribute(a.value)}"`);
  const head = `<${tag}${declarations.join('')}${extra}${attributes.join('')}`;
  if (element.children.length === 0) return `${head}/>`;
  const content = element.children.map((c) => (typeof c === 'string' ? escapeText(c) : write(c, scope, '')));
  return `${head}>${content.join('')}</${tag}>`;
}

function qualified(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}:${name}`;
}
