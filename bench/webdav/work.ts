import { Pool } from 'undici';
import type { Peer } from '../lib/peer.ts';
import { output } from '../lib/process.ts';

const PROPS = `<?xml version="1.0"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><creationdate/></prop></propfind>`;

/** Parallel connections of the clients below. */
const CONNECTIONS = 8;

/** Puts `count` files of 4 KiB into a new folder. Resolves to the time in seconds. */
export async function putSmall(peer: Peer, folder: string, count: number, connections = CONNECTIONS): Promise<number> {
  await call(peer, 'MKCOL', `${folder}/`);
  const body = Buffer.alloc(4096, 'fjord ');
  const { origin, pathname } = new URL(peer.url);
  const pool = new Pool(origin, { connections });
  const headers = { ...authorize(peer) };
  const begin = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      // All contents are different, so that deduplication does not save work.
      const content = Buffer.from(body);
      content.write(`${folder} ${i}`);
      const path = `${pathname}${folder}/file-${String(i).padStart(5, '0')}.txt`;
      const { statusCode, body: answer } = await pool.request({ method: 'PUT', path, headers, body: content });
      await answer.dump();
      if (statusCode >= 300) throw new Error(`${peer.name}: PUT ${path} returned ${statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: connections }, worker));
  const seconds = (performance.now() - begin) / 1000;
  await pool.close();
  return seconds;
}

export interface Listing {
  /** ms until the last byte */
  readonly total: number;
  /** ms until the first byte */
  readonly first: number;
}

/** A PROPFIND with depth 1 for four named properties, like Finder's. */
export async function propfind(peer: Peer, folder: string): Promise<Listing> {
  const args = ['-X', 'PROPFIND', '-H', 'Depth: 1', '-H', 'Content-Type: application/xml', '--data-binary', PROPS];
  const { total, first } = await curl(peer, `${folder}/`, [...args, '-o', '/dev/null']);
  return { total: total * 1000, first: first * 1000 };
}

/** Requests per second by wrk for one file of 4 KiB. */
export async function getSmall(peer: Peer, path: string, seconds: number): Promise<number> {
  const headers = Object.entries(authorize(peer)).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const text = await output('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, ...headers, peer.url + path]);
  if (/Non-2xx/.test(text)) throw new Error(`${peer.name}: small GET failed:\n${text}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
}

/** Bytes per second. */
export async function putBig(peer: Peer, path: string, source: string, bytes: number): Promise<number> {
  return bytes / (await curl(peer, path, ['-T', source, '-H', 'Expect:', '-o', '/dev/null'])).total;
}

/** Bytes per second. */
export async function getBig(peer: Peer, path: string, bytes: number): Promise<number> {
  return bytes / (await curl(peer, path, ['-o', '/dev/null'])).total;
}

export async function call(peer: Peer, method: string, path: string): Promise<void> {
  const answer = await fetch(peer.url + path, { method, headers: authorize(peer) });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`${peer.name}: ${method} ${path} returned ${answer.status}`);
}

async function curl(peer: Peer, path: string, args: readonly string[]): Promise<{ total: number; first: number }> {
  const headers = Object.entries(authorize(peer)).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const format = ['-sS', '--fail', '-w', '%{time_total} %{time_starttransfer}'];
  const text = await output('curl', [...format, ...headers, ...args, peer.url + path]);
  const [total = NaN, first = NaN] = text.trim().split(' ').map(Number);
  return { total, first };
}

function authorize({ authorization }: Peer): Record<string, string> {
  return authorization === undefined ? {} : { authorization };
}
