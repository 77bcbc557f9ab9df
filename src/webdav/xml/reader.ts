import { TextDecoder } from 'node:util';
import { SaxesParser } from 'saxes';
import type { SaxesAttributeNS, SaxesTagNS } from 'saxes';
import { DavError } from '../dav-error.ts';
import type { XmlAttribute, XmlElement } from './element.ts';
import { XML } from './element.ts';

/** Limits that no WebDAV client comes near. */
const MAX_DEPTH = 64;
const MAX_NODES = 20_000;

type Growing = Omit<XmlElement, 'children'> & { readonly children: (XmlElement | string)[] };

/**
 * Builds the elements of a request body from its bytes as they arrive. Document types are refused, so there are no
 * entities to expand and nothing to fetch; depth and number of nodes are bounded.
 */
export class XmlReader {
  readonly #parser = new SaxesParser({ xmlns: true });
  readonly #stack: Growing[] = [];
  #decoder: TextDecoder | undefined;
  #root: XmlElement | undefined;
  #nodes = 0;

  constructor() {
    this.#parser.on('doctype', () => {
      throw new DavError(400, 'The XML body has a document type declaration, which is not allowed.');
    });
    this.#parser.on('error', (error) => {
      throw new DavError(400, `The XML body is not well-formed: ${error.message}`);
    });
    this.#parser.on('opentag', (tag) => this.#open(tag));
    this.#parser.on('closetag', () => this.#close());
    this.#parser.on('text', (text) => this.#text(text));
    this.#parser.on('cdata', (text) => this.#text(text));
  }

  /** @throws DavError 400, 413 */
  write(chunk: Uint8Array): void {
    this.#decoder ??= new TextDecoder(encodingOf(chunk), { fatal: true });
    this.#parser.write(decode(this.#decoder, chunk));
  }

  /** The document element; `undefined` if there was no byte. @throws DavError 400 */
  end(): XmlElement | undefined {
    if (this.#decoder === undefined) return undefined;
    this.#parser.write(decode(this.#decoder));
    this.#parser.close();
    return this.#root;
  }

  #open(tag: SaxesTagNS): void {
    this.#count();
    if (this.#stack.length >= MAX_DEPTH) throw new DavError(400, 'The XML body is nested too deeply.');
    checkDeclarations(tag);
    const attributes = Object.values(tag.attributes).filter(isPlain).map(toAttribute);
    this.#stack.push({
      prefix: tag.prefix,
      namespace: tag.uri,
      name: tag.local,
      attributes,
      declared: { ...tag.ns },
      lang: attributes.find((a) => a.namespace === XML && a.name === 'lang')?.value ?? this.#stack.at(-1)?.lang ?? '',
      children: [],
    });
  }

  #close(): void {
    const element = this.#stack.pop();
    const parent = this.#stack.at(-1);
    if (parent === undefined) this.#root = element;
    else if (element !== undefined) parent.children.push(element);
  }

  #text(text: string): void {
    this.#count();
    this.#stack.at(-1)?.children.push(text);
  }

  #count(): void {
    if (++this.#nodes > MAX_NODES) throw new DavError(413, 'The XML body has too many elements.');
  }
}

/** Namespaces in XML 1.0 section 5: a prefix cannot be undeclared. */
function checkDeclarations(tag: SaxesTagNS): void {
  for (const prefix in tag.ns) {
    if (prefix !== '' && tag.ns[prefix] === '') {
      throw new DavError(400, `The XML body declares the prefix ${prefix} with an empty namespace.`);
    }
  }
}

function isPlain(attribute: SaxesAttributeNS): boolean {
  return attribute.prefix !== 'xmlns' && attribute.name !== 'xmlns';
}

function toAttribute({ prefix, uri, local, value }: SaxesAttributeNS): XmlAttribute {
  return { prefix, namespace: uri, name: local, value };
}

/** XML 1.0 appendix F: every processor reads UTF-8 and UTF-16. */
function encodingOf(chunk: Uint8Array): string {
  if (chunk[0] === 0xff && chunk[1] === 0xfe) return 'utf-16le';
  if (chunk[0] === 0xfe && chunk[1] === 0xff) return 'utf-16be';
  return 'utf-8';
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    throw new DavError(400, 'The XML body is not valid UTF-8 or UTF-16.');
  }
}
