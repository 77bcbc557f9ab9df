import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Refusal } from '../refusal.ts';
import { checkHost } from './origin.ts';

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

const HEADERS = {
  'content-security-policy': [
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
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
};

/** The worker that reads PDFs decodes some of their pictures with WebAssembly; a worker has the policy of its own file. */
const PDF_WORKER = /^\/assets\/pdf-[^/]+\/pdf\.worker\.min\.mjs$/;
const WITH_WASM = {
  'content-security-policy': HEADERS['content-security-policy'].replace(
    "script-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
  ),
};

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
      files.set(path.slice(folder.length).replaceAll('\\', '/'), new WebFile(path, await readFile(path)));
    }
    return new WebApp(files);
  }

  routes(app: FastifyInstance): void {
    app.addHook('onRequest', async (request) => checkHost(request));
    for (const page of PAGES) {
      app.get(page, async (request, reply) => this.#send('/index.html', 'no-cache', request, reply));
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
      ...(PDF_WORKER.test(path) ? WITH_WASM : {}),
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
  readonly #bytes: Buffer;
  #brotli: Promise<Buffer> | undefined;
  #gzip: Promise<Buffer> | undefined;

  constructor(path: string, bytes: Buffer) {
    this.#bytes = bytes;
    this.type = TYPES[extname(path)] ?? 'application/octet-stream';
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
