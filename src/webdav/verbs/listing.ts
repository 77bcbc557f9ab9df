import type { Attr } from '../../vfs/node.ts';
import { pages } from '../../vfs/walk.ts';
import type { Door } from '../door.ts';
import { formatIsoDate } from '../http-date.ts';
import type { Outcome, Sink } from '../outcome.ts';
import { hrefOf, encodeSegment } from '../path.ts';
import type { DavRequest } from '../request.ts';
import { escapeAttribute, escapeText } from '../xml/escape.ts';

const STYLE =
  'body{font:15px/1.5 system-ui,sans-serif;max-width:56em;margin:2em auto;padding:0 1em;color:#222}' +
  'table{border-collapse:collapse;width:100%}td{padding:.2em .6em;border-top:1px solid #ddd}' +
  'td+td{text-align:right;white-space:nowrap;color:#666;font-variant-numeric:tabular-nums}a{color:#0a58a8;text-decoration:none}' +
  '@media(prefers-color-scheme:dark){body{background:#181a1b;color:#ddd}td{border-color:#333}a{color:#7ab8f5}}';

/** An HTML page that lists a folder, streamed, for web browsers. */
export async function listing(request: DavRequest, door: Door, folder: Attr): Promise<Outcome> {
  const headers = [
    'Content-Type',
    'text/html; charset=utf-8',
    'Cache-Control',
    'no-store',
    'X-Content-Type-Options',
    'nosniff',
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; sandbox allow-downloads allow-same-origin allow-top-navigation",
  ];
  const found = pages(door.fs, folder.id, request.context);
  const first = await found.next();
  const body = async (sink: Sink): Promise<void> => {
    await sink.write(head(request.path.names));
    const base = hrefOf(request.path.names, true);
    if (!first.done) await sink.write(first.value.entries.map((entry) => row(base, entry)).join(''));
    for await (const page of found) await sink.write(page.entries.map((entry) => row(base, entry)).join(''));
    await sink.write(`</table>${foot(door.statusPage())}</html>\n`);
  };
  return { status: 200, headers, body, release: async () => void (await found.return(undefined)) };
}

function head(names: readonly string[]): string {
  const title = escapeText(names.at(-1) ?? 'Fjord');
  const crumbs = names.map((name, i) => `<a href="${hrefOf(names.slice(0, i + 1), true)}">${escapeText(name)}</a>`);
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>${title}</title><style>${STYLE}</style><h1>${['<a href="/">Fjord</a>', ...crumbs].join(' / ')}</h1><table>\n`
  );
}

function foot(statusPage: string | undefined): string {
  return statusPage === undefined ? '' : `<p><a href="${escapeAttribute(statusPage)}">Status of this computer</a></p>`;
}

function row(base: string, { name, kind, size, mtime }: Attr): string {
  const slash = kind === 'folder' ? '/' : '';
  const href = escapeAttribute(`${base}${encodeSegment(name)}${slash}`);
  const bytes = kind === 'folder' ? '' : size.toLocaleString('en');
  const time = formatIsoDate(mtime).replace('T', ' ').slice(0, 16);
  return `<tr><td><a href="${href}">${escapeText(name)}${slash}</a><td>${bytes}<td>${time}\n`;
}
