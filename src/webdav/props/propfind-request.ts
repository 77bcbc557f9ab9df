import { DavError } from '../dav-error.ts';
import type { XmlElement } from '../xml/element.ts';
import { davChild, elementsOf, isDav } from '../xml/element.ts';
import type { PropertyName } from './property-name.ts';

/** Most properties in a request, as each takes time in every row. Clients do not request more. */
const MAX_PROPERTIES = 500;

/** A parsed PROPFIND request (RFC 4918 section 9.1). */
export type PropfindRequest =
  | { readonly what: 'all'; readonly include: readonly PropertyName[] }
  | { readonly what: 'names' }
  | { readonly what: 'named'; readonly properties: readonly PropertyName[] };

/** Parses the body; `undefined`, for no body, means `allprop`. @throws DavError 400, 422 */
export function parsePropfind(root: XmlElement | undefined): PropfindRequest {
  if (root === undefined) return { what: 'all', include: [] };
  if (!isDav(root, 'propfind')) throw new DavError(400, 'The body of PROPFIND is not a DAV:propfind element.');
  const kinds = elementsOf(root).filter((e) => isDav(e, 'allprop') || isDav(e, 'propname') || isDav(e, 'prop'));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    throw new DavError(400, 'A PROPFIND must ask for exactly one of allprop, propname and prop.');
  }
  if (kind.name === 'propname') return { what: 'names' };
  if (kind.name === 'prop') return { what: 'named', properties: namesOf(kind) };
  const include = davChild(root, 'include');
  return { what: 'all', include: include === undefined ? [] : namesOf(include) };
}

function namesOf(element: XmlElement): readonly PropertyName[] {
  const names = elementsOf(element).map(({ namespace, name }) => ({ namespace, name }));
  if (names.length > MAX_PROPERTIES)
    throw new DavError(400, `A request can name at most ${MAX_PROPERTIES} properties.`);
  return names;
}
