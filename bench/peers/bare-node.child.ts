import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, stat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Files up to this size, in bytes, are kept in memory once they were read. */
const SMALL = 64 * 1024;

const [folder = '', port = ''] = process.argv.slice(2);
const known = new Map<string, Buffer>();

type Verb = (path: string, req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

const verbs: Readonly<Record<string, Verb>> = {
  GET: async (path, _req, res) => {
    const bytes = known.get(path);
    if (bytes !== undefined) {
      res.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
      return;
    }
    const found = await stat(path);
    if (!found.isFile()) throw new Error(`${path} is a folder`);
    const { size } = found;
    res.writeHead(200, { 'Content-Length': size });
    if (size <= SMALL) known.set(path, await readFile(path));
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), res);
  },
  PUT: async (path, req, res) => {
    await pipeline(req, createWriteStream(path));
    res.writeHead(201, { 'Content-Length': 0 }).end();
  },
  MKCOL: async (path, _req, res) => {
    await mkdir(path);
    res.writeHead(201, { 'Content-Length': 0 }).end();
  },
  DELETE: async (path, _req, res) => {
    await unlink(path);
    res.writeHead(204).end();
  },
};

const server = createServer((req, res) => {
  const answered = verbs[req.method ?? '']?.(join(folder, new URL(req.url ?? '', 'http://x').pathname), req, res);
  if (!(answered instanceof Promise)) return;
  answered.catch(() => {
    if (res.headersSent) res.destroy();
    else res.writeHead(404, { 'Content-Length': 0 }).end();
  });
});
server.listen(Number(port), '127.0.0.1');
