/** Pages for people who have a link and no account: no script, one style sheet, and nothing in them but escaped text. */

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Characters that make a name look like another one. */
const DECEIVING = /[\p{Cc}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\u2028\u2029]/gu;

/** Text for any place of a page. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** The name of a file, whose direction does not touch what is around it. */
export function nameHtml(name: string): string {
  return `<bdi>${escaped(name.replaceAll(DECEIVING, '\u{FFFD}'))}</bdi>`;
}

export function pageStart(title: string): string {
  const text = escaped(title.replaceAll(DECEIVING, '\u{FFFD}'));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text} – Fjord</title>
<link rel="stylesheet" href="/l/style.css">
</head>
<body>
<main>
`;
}

export const PAGE_END = '</main>\n</body>\n</html>\n';

export function messagePage(title: string, text: string): string {
  return `${pageStart(title)}<h1>${escaped(title)}</h1>\n<p>${escaped(text)}</p>\n${PAGE_END}`;
}

/** @param problem what to say about the last try */
export function passwordPage(token: string, problem: string): string {
  return `${pageStart('Password')}<h1>This link has a password</h1>
<form method="post" action="/l/${escaped(token)}/unlock">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="off" required autofocus>
<p class="problem" role="alert">${escaped(problem)}</p>
<button>Open</button>
</form>
${PAGE_END}`;
}

/** @param received how many files the last form has brought */
export function uploadPage(token: string, name: string, received: number): string {
  const thanks = received === 1 ? '1 file was received.' : `${received} files were received.`;
  return `${pageStart(name)}<h1>Send files to ${nameHtml(name)}</h1>
<p>The files are put into this folder. What is in it is not shown.</p>
<p class="done" role="status">${received > 0 ? thanks : ''}</p>
<form method="post" action="/l/${escaped(token)}/files" enctype="multipart/form-data">
<label for="files">Files</label>
<input id="files" name="files" type="file" multiple required>
<button>Send</button>
</form>
${PAGE_END}`;
}

export interface ListedNode {
  readonly name: string;
  readonly kind: string;
  readonly size: number;
  readonly mtime: number;
  readonly address: string;
}

export interface ListingHead {
  readonly name: string;
  /** Of the archive of the folder. */
  readonly zip: string;
  /** Of the folder above, if the link shows it. */
  readonly up: string | undefined;
}

export function listingStart({ name, zip, up }: ListingHead): string {
  const above = up === undefined ? '' : `<a href="${escaped(up)}">Parent folder</a> `;
  return `${pageStart(name)}<h1>${nameHtml(name)}</h1>
<p class="actions">${above}<a href="${escaped(zip)}" download>Download all (ZIP)</a></p>
<table>
<thead><tr><th scope="col">Name</th><th scope="col">Size</th><th scope="col">Modified</th></tr></thead>
<tbody>
`;
}

export function listingRow({ name, kind, size, mtime, address }: ListedNode): string {
  const isFolder = kind === 'folder';
  const link = `<a href="${escaped(address)}"${isFolder ? '' : ' download'}>${nameHtml(name)}${isFolder ? '/' : ''}</a>`;
  const time = new Date(mtime).toISOString();
  const shown = `<time datetime="${time}">${time.slice(0, 10)}</time>`;
  return `<tr><td>${link}</td><td>${isFolder ? '' : sizeText(size)}</td><td>${shown}</td></tr>\n`;
}

export function listingEnd(count: number): string {
  return `</tbody>\n</table>\n${count === 0 ? '<p>This folder is empty.</p>\n' : ''}${PAGE_END}`;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

export const STYLE = `:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 46rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
a { color: light-dark(#0b5a8f, #8cc8f2); }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.6rem 0.25rem; text-align: start; border-bottom: 1px solid light-dark(#d4d9de, #3a4148); }
td:first-child { overflow-wrap: anywhere; width: 100%; }
th:not(:first-child), td:not(:first-child) { white-space: nowrap; text-align: end; padding-inline-start: 0.75rem; }
form { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.5rem; max-width: 24rem; }
input, button { font: inherit; padding: 0.6rem; min-height: 2.75rem; box-sizing: border-box; max-width: 100%; }
button { background: #0b5a8f; color: #fff; border: 0; border-radius: 0.4rem; cursor: pointer; }
.actions a { display: inline-block; padding-block: 0.5rem; margin-inline-end: 1rem; }
.problem { color: light-dark(#a3191d, #ff9a94); margin: 0; }
.done { color: light-dark(#17653a, #7fd6a3); }
`;
