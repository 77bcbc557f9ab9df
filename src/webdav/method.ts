export const METHODS = [
  'OPTIONS',
  'HEAD',
  'GET',
  'PUT',
  'DELETE',
  'MKCOL',
  'COPY',
  'MOVE',
  'PROPFIND',
  'PROPPATCH',
  'LOCK',
  'UNLOCK',
] as const;

export type Method = (typeof METHODS)[number];

/** Value of the `Allow` header. */
export const ALLOW = METHODS.join(', ');

export function isMethod(text: string | undefined): text is Method {
  return (METHODS as readonly (string | undefined)[]).includes(text);
}
