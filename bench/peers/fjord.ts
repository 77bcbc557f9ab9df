import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Peer } from '../lib/peer.ts';
import { residentMemory, stop } from '../lib/process.ts';

interface Access {
  readonly webdav: { readonly url: string; readonly user: string; readonly password: string };
  readonly gateway: { readonly pid: number };
}

const ROOT = join(import.meta.dirname, '../..');

/** The whole program, embedded cloud and gateway, as `./scripts/start` runs it; the work folder is `/Sync`. */
export async function fjord(dir: string): Promise<Peer> {
  const args = [join(ROOT, 'dist/cli/main.js'), 'start', '--data', dir, '--port', '0', '--no-fuse'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const { webdav, gateway } = await access(dir);
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const secret = Buffer.from(`${webdav.user}:${webdav.password}`).toString('base64');
  return {
    name: 'Fjord',
    version,
    url: `${webdav.url}Sync/`,
    authorization: `Basic ${secret}`,
    memory: () => residentMemory(gateway.pid),
    stop: () => stop(child),
  };
}

async function access(dir: string): Promise<Access> {
  for (let tries = 0; tries < 600; tries++) {
    const text = await readFile(join(dir, 'access.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) return JSON.parse(text) as Access;
    await sleep(100);
  }
  throw new Error('Fjord did not start within a minute');
}
