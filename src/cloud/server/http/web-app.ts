import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../refusal.ts';
import { checkHost } from './origin.ts';
import { sessionToken } from './session-cookie.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

/** Addresses inside the app, which its page shows. */
const PAGES = [
  '/',
  '/folder/:id',
  '/file/:id',
  '/search',
  '/search/:query',
  '/backups',
  '/shared',
  '/trash',
  '/devices',
  '/account',
];

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** The worker that reads PDFs decodes some of their pictures with WebAssembly; a worker has the policy of its own file. */
const PDF_WORKER = /^\/assets\/pdf-[^/]+\/pdf\.worker\.min\.mjs$/;
const POLICY_WITH_WASM = POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'");

/** Of a page: allows the one style that the build has put into it. */
function policyOf(page: string): string {
  const [, style] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
  if (style === undefined) return POLICY;
  return POLICY.replace(
    "style-src 'self'",
    `style-src 'self' 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  );
}

/** Of an id, which is all of an address that gets into a header. */
const ID = /^[\w-]+$/;

/**
 * The calls that the app makes first at an address. The browser sends them while it loads the app, instead of one after the other after that
 * (RFC 8288, and `preload` of HTML). Whether the session is still good is found out by them.
 */
function firstCalls(request: FastifyRequest): string {
  const { id } = request.params as { readonly id?: string };
  const isIn = sessionToken(request) !== undefined;
  const calls = ['/v1/session', isIn ? '/v1/spaces' : '/v1/setup'];
  if (isIn && id !== undefined && ID.test(id)) {
    calls.push(`/v1/nodes/${id}`, `/v1/nodes/${id}/${request.url.startsWith('/file/') ? 'versions' : 'children'}`);
  }
  return calls.map((call) => `<${call}>; rel=preload; as=fetch; crossorigin`).join(', ');
}

/** The built files of the web app, in memory. */
export class WebApp {
  readonly #files: ReadonlyMap<string, WebFile>;

  private constructor(files: ReadonlyMap<string, WebFile>) {
    this.#files = files;
  }

  /** @param folder what Vite has written. @throws ENOENT */
  static async load(folder: string): Promise<WebApp> {
    const files = new Map<string, WebFile>();
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      if (extname(path) === '.br') continue;
      const compressed = await readFile(`${path}.br`).catch(() => undefined);
      files.set(path.slice(folder.length).replaceAll('\\', '/'), new WebFile(path, await readFile(path), compressed));
    }
    return new WebApp(files);
  }

  routes(app: FastifyInstance): void {
    app.addHook('onRequest', async (request) => checkHost(request));
    for (const page of PAGES) {
      app.get(page, async (request, reply) =>
        this.#send('/index.html', 'no-cache', request, reply.header('link', firstCalls(request))),
      );
    }
    for (const path of this.#files.keys()) {
      // Those have a hash of their content in their names.
      const cache = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
      app.get(path, async (request, reply) => this.#send(path, cache, request, reply));
    }
  }

  async #send(path: string, cache: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const file = this.#files.get(path);
    if (file === undefined) throw new Refusal('not_found', 'the web app was not built');
    reply.headers({
      ...HEADERS,
      'content-security-policy': PDF_WORKER.test(path) ? POLICY_WITH_WASM : file.policy,
      'cache-control': cache,
      etag: file.etag,
      vary: 'accept-encoding',
    });
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
    const { bytes, encoding } = await file.encoded(request.headers['accept-encoding'] ?? '');
    if (encoding !== undefined) reply.header('content-encoding', encoding);
    return reply.type(file.type).send(bytes);
  }
}

/** Bytes. */
const LARGE = 256 * 1024;

class WebFile {
  readonly type: string;
  readonly etag: string;
  readonly policy: string;
  readonly #bytes: Buffer;
  #brotli: Promise<Buffer> | undefined;
  #gzip: Promise<Buffer> | undefined;

  /** @param compressed with brotli, if the build has done that */
  constructor(path: string, bytes: Buffer, compressed?: Buffer) {
    this.#bytes = bytes;
    if (compressed !== undefined) this.#brotli = Promise.resolve(compressed);
    this.type = TYPES[extname(path)] ?? 'application/octet-stream';
    this.policy = extname(path) === '.html' ? policyOf(bytes.toString()) : POLICY;
    // Weak: the same for each encoding.
    this.etag = `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  }

  async encoded(accepted: string): Promise<{ bytes: Buffer; encoding?: string }> {
    if (/\bbr\b/.test(accepted)) {
      return { bytes: await (this.#brotli ??= compress(this.#bytes)), encoding: 'br' };
    }
    if (!/\bgzip\b/.test(accepted)) return { bytes: this.#bytes };
    return { bytes: await (this.#gzip ??= promisify(gzip)(this.#bytes)), encoding: 'gzip' };
  }
}

/** The best takes seconds for a megabyte, and saves a tenth. */
async function compress(bytes: Buffer): Promise<Buffer> {
  const quality = bytes.length > LARGE ? 5 : constants.BROTLI_MAX_QUALITY;
  return await promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: quality } });
}
