import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer } from '../lib/peer.ts';
import { freePort, output, residentMemory, serve, stop } from '../lib/process.ts';

/** `rclone serve webdav` for a plain folder. */
export async function rclone(dir: string): Promise<Peer> {
  const port = await freePort();
  const files = join(dir, 'files');
  await mkdir(files, { recursive: true });
  const url = `http://127.0.0.1:${port}/`;
  const args = ['serve', 'webdav', files, '--addr', `127.0.0.1:${port}`, '--config', join(dir, 'none.conf'), '-q'];
  const child = await serve('rclone', args, url);
  const version = /v([\d.]+)/.exec(await output('rclone', ['version']))?.[1] ?? '?';
  return { name: 'rclone serve', version, url, memory: () => residentMemory(child.pid ?? 0), stop: () => stop(child) };
}
