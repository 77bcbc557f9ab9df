// eslint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;
const plain = /^[\u0020\u0021\u0023-\u0025\u0027-\u003b\u003d\u003f-\u007e]*$/;
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Escapes text for an element's content. Characters that XML 1.0 cannot contain become U+FFFD. */
export function escapeText(text: string): string {
  if (plain.test(text)) return text;
  return text.replaceAll(forbidden, '\ufffd').replaceAll(/[&<>\r]/g, (c) => entities[c] ?? c);
}

/** The text without the characters that XML 1.0 cannot contain. */
export function withoutForbidden(text: string): string {
  return plain.test(text) ? text : text.replaceAll(forbidden, '');
}

/** Escapes text for an attribute in double quotes. */
export function escapeAttribute(text: string): string {
  if (plain.test(text)) return text;
  return text.replaceAll(forbidden, '\ufffd').replaceAll(/[&<>"\t\n\r]/g, (c) => entities[c] ?? c);
}
