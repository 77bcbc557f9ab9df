import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer } from '../lib/peer.ts';
import { freePort, residentMemory, serve, stop } from '../lib/process.ts';

/** The package `webdav-server` with its own `PhysicalFileSystem` for a plain folder. */
export async function webdavServer(dir: string): Promise<Peer> {
  const port = await freePort();
  const files = join(dir, 'files');
  await mkdir(files, { recursive: true });
  const url = `http://127.0.0.1:${port}/`;
  const script = join(import.meta.dirname, 'webdav-server.child.ts');
  const child = await serve(process.execPath, ['--import=tsx', script, files, String(port)], url);
  const root = join(import.meta.dirname, '../..');
  const text = await readFile(join(root, 'node_modules/webdav-server/package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return {
    name: 'npm webdav-server',
    version,
    url,
    memory: () => residentMemory(child.pid ?? 0),
    stop: () => stop(child),
  };
}
