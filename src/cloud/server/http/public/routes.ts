import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { nodeBelow, noLink, openLink, type LinkTarget } from '../../meta/links.ts';
import type { NodeRow } from '../../meta/schema.ts';
import { currentVersion } from '../../meta/tree.ts';
import { Refusal } from '../../refusal.ts';
import { contentEntries } from '../../zip/tree-entries.ts';
import { zip } from '../../zip/zip.ts';
import { begun, sendBody } from '../body.ts';
import { serveVersion } from '../content.ts';
import { downloadHeaders } from '../download-headers.ts';
import { checkHost } from '../origin.ts';
import type { Parts } from '../parts.ts';
import { filesOfForm } from './form-files.ts';
import { passwordPage, STYLE, uploadPage } from './html.ts';
import { LinkAccess } from './link-access.ts';
import { sendListing } from './listing.ts';
import { answerVisitor } from './problems.ts';
import { whileOpen } from './while-open.ts';

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex, nofollow',
  'cache-control': 'private, no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
/** Bytes of the form with the password. */
const FORM_MAX = 16 * 1024;

interface ByToken {
  Params: { token: string };
}
interface ByNode {
  Params: { token: string; id: string };
}
type Visit = FastifyRequest<ByToken>;

/** What public links open, for people without an account. Nothing here looks at a token of a device or at a session. */
export class PublicLinks {
  readonly #parts: Parts;
  readonly #access: LinkAccess;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#access = new LinkAccess(parts.passwords, parts.meta.now);
  }

  routes(app: FastifyInstance): void {
    app.addHook('onRequest', async (request, reply) => {
      checkHost(request);
      reply.headers(HEADERS);
      this.#parts.visits.count(request.ip);
    });
    app.setErrorHandler(answerVisitor);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

    app.get('/l/style.css', async (_request, reply) =>
      reply.header('cache-control', 'max-age=3600').type('text/css; charset=utf-8').send(STYLE),
    );
    const getOrHead: ('GET' | 'HEAD')[] = ['GET', 'HEAD'];
    const show = async (request: Visit, reply: FastifyReply) => this.#show(request, reply);
    app.route<ByToken>({ method: getOrHead, url: '/l/:token', handler: show });
    app.route<ByToken>({ method: getOrHead, url: '/l/:token/', handler: show });
    app.route<ByNode>({
      method: getOrHead,
      url: '/l/:token/n/:id',
      handler: async (request, reply) => {
        const target = await this.#open(request);
        return await this.#send(
          target,
          await nodeBelow(this.#parts.meta.db, target, request.params.id),
          request,
          reply,
        );
      },
    });
    app.get<ByToken>('/l/:token/zip', async (request, reply) => {
      const target = await this.#open(request);
      return await this.#sendZip(target, target.node, reply);
    });
    app.get<ByNode>('/l/:token/n/:id/zip', async (request, reply) => {
      const target = await this.#open(request);
      return await this.#sendZip(target, await nodeBelow(this.#parts.meta.db, target, request.params.id), reply);
    });
    app.post<ByToken>('/l/:token/unlock', async (request, reply) => this.#unlock(request, reply));
    const upload = { config: { isUpload: true } };
    app.post<ByToken>('/l/:token/files', upload, async (request, reply) => this.#takeForm(request, reply));
    app.put<{ Params: { token: string; name: string } }>('/l/:token/:name', upload, async (request, reply) => {
      const target = uploadable(await this.#open(request));
      await this.#parts.linkUploads.receive(target, request.params.name, bodyOf(request));
      return reply.code(201).send();
    });
  }

  /** @throws not_found, Locked */
  async #open(request: FastifyRequest<ByToken>): Promise<LinkTarget> {
    const { db, now } = this.#parts.meta;
    const target = await openLink(db, request.params.token, now());
    if (!(await this.#access.isOpen(target, request))) throw new Locked();
    return target;
  }

  async #show(request: Visit, reply: FastifyReply): Promise<FastifyReply> {
    try {
      const target = await this.#open(request);
      if (target.link.upload === 0) return await this.#send(target, target.node, request, reply);
      const received = Number(/[?&]received=(\d{1,4})$/.exec(request.url)?.[1] ?? 0);
      return reply.type(HTML).send(uploadPage(target.link.token, target.node.name, received));
    } catch (error) {
      if (!(error instanceof Locked)) throw error;
      return reply.code(403).type(HTML).send(passwordPage(request.params.token, ''));
    }
  }

  async #send(target: LinkTarget, node: NodeRow, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { meta, reader } = this.#parts;
    if (node.kind === 'folder') return await sendListing(meta.db, target, node, reply);
    const version = node.kind === 'file' ? await currentVersion(meta.db, node) : undefined;
    if (version === undefined) throw noLink();
    const guard = (content: AsyncGenerator<Uint8Array>) => this.#whileOpen(target, content);
    return await serveVersion(reader, { ...version, name: node.name }, request, reply, guard);
  }

  async #sendZip(target: LinkTarget, node: NodeRow, reply: FastifyReply): Promise<FastifyReply> {
    const { folder, link } = target;
    if (folder === undefined || link.upload === 1 || node.kind !== 'folder') throw noLink();
    const { meta, reader } = this.#parts;
    const place = node.id === target.node.id ? folder : { space: folder.space, id: node.id };
    const options = { db: meta.db, reader, account: link.account, mounts: false };
    const body = await begun(this.#whileOpen(target, zip(contentEntries(options, place))));
    reply.headers(downloadHeaders(`${node.name}.zip`)).type('application/zip');
    return sendBody(reply, body, (part) => reader.release(part));
  }

  /** A download ends with its link. */
  #whileOpen({ link }: LinkTarget, parts: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { db, now } = this.#parts.meta;
    return whileOpen(parts, async () => openLink(db, link.token, now()), now);
  }

  async #unlock(request: Visit, reply: FastifyReply): Promise<FastifyReply> {
    const { db, now } = this.#parts.meta;
    const { link } = await openLink(db, request.params.token, now());
    const form = new URLSearchParams(await textOf(bodyOf(request)));
    if (!(await this.#access.isPassword(link, form.get('password') ?? '', request.ip))) {
      return reply.code(403).type(HTML).send(passwordPage(link.token, 'The password is wrong.'));
    }
    this.#access.unlock(link, request, reply);
    return reply.redirect(`/l/${link.token}`, 303);
  }

  async #takeForm(request: Visit, reply: FastifyReply): Promise<FastifyReply> {
    const target = uploadable(await this.#open(request));
    let received = 0;
    await filesOfForm(bodyOf(request), request.headers['content-type'] ?? '', async (name, bytes) => {
      await this.#parts.linkUploads.receive(target, name, bytes);
      received += 1;
    });
    return reply.redirect(`/l/${target.link.token}?received=${received}`, 303);
  }
}

const HTML = 'text/html; charset=utf-8';

/** The link has a password, which the request does not have. */
class Locked extends Refusal {
  constructor() {
    super('forbidden', 'this link has a password');
  }
}

function uploadable(target: LinkTarget): LinkTarget {
  if (target.link.upload === 0) throw new Refusal('forbidden', 'this link takes no files');
  return target;
}

function bodyOf({ body }: FastifyRequest): Readable {
  if (body === undefined || body === null) throw new Refusal('bad_request', 'the request has no body');
  return body as Readable;
}

async function textOf(body: Readable): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > FORM_MAX) throw new Refusal('too_large', 'the form is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
