import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Pool } from 'undici';
import { FjordProcess } from '../lib/fjord-process.ts';
import { markdown, round } from '../lib/figures.ts';

const FILES = 10_000;
const CONNECTIONS = 8;
const SMALLEST = 4096;
const LARGEST = 40_960;

/**
 * Measures small files over Fjord's WebDAV server: until the responses, and until they are in the cloud. Resolves to a
 * table.
 */
export async function benchPuts(dir: string, scale: number): Promise<string> {
  const count = Math.ceil(FILES * scale);
  const args = ['start', '--port', '0'];
  const program = await FjordProcess.start({ dir: join(dir, 'data'), args, env: { FJORD_FUSE_MOUNT: '' } });
  try {
    const { webdav } = await program.access();
    const secret = Buffer.from(`${webdav.user}:${webdav.password}`).toString('base64');
    const begin = performance.now();
    await putAll(`${webdav.url}Sync/`, `Basic ${secret}`, count);
    const answered = performance.now() - begin;
    await program.command('flush');
    const stored = performance.now() - begin;
    const speed = (ms: number): string => round((count / ms) * 1000);
    const head = [`PUT of 10,000 files of 4–40 KiB, ${CONNECTIONS} connections`, 'files/s'];
    return markdown(head, [
      ['until answered', speed(answered)],
      ['until in the cloud', speed(stored)],
    ]);
  } finally {
    await program.stop();
  }
}

async function putAll(url: string, authorization: string, count: number): Promise<void> {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections: CONNECTIONS });
  const noise = randomBytes(LARGEST + count);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) {
      const size = SMALLEST + ((i * 7919) % (LARGEST - SMALLEST + 1));
      const path = `${pathname}file-${String(i).padStart(5, '0')}.bin`;
      // Each content starts at another position in the noise, so no two are equal.
      const content = noise.subarray(i, i + size);
      const { statusCode, body } = await pool.request({
        method: 'PUT',
        path,
        headers: { authorization },
        body: content,
      });
      await body.dump();
      if (statusCode >= 300) throw new Error(`PUT ${path} returned ${statusCode}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  await pool.close();
}
