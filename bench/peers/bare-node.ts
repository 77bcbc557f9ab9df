import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer } from '../lib/peer.ts';
import { freePort, residentMemory, serve, stop } from '../lib/process.ts';

/**
 * `node:http` serving a folder directly, with small files in memory: the best that one event loop can do. It does not
 * support WebDAV, so it has no listings.
 */
export async function bareNode(dir: string): Promise<Peer> {
  const port = await freePort();
  const files = join(dir, 'files');
  await mkdir(files, { recursive: true });
  const url = `http://127.0.0.1:${port}/`;
  const script = join(import.meta.dirname, 'bare-node.child.ts');
  const child = await serve(process.execPath, ['--import=tsx', script, files, String(port)], url);
  return {
    name: 'bare node:http',
    version: process.version,
    url,
    lists: false,
    memory: () => residentMemory(child.pid ?? 0),
    stop: () => stop(child),
  };
}
