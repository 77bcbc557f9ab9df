import { FjordProcess, fjordVersion, revisionOf } from '../lib/fjord-process.ts';
import type { Peer, StartPeer } from '../lib/peer.ts';
import { residentMemory } from '../lib/process.ts';

/** The whole program, embedded cloud and gateway, as run by `./scripts/start`; the writable folder is in `/Sync`. */
export async function fjord(dir: string): Promise<Peer> {
  return await start(dir, await fjordVersion());
}

/** The program of another checkout. */
export function fjordBefore(checkout: string): StartPeer {
  return async (dir) => await start(dir, await revisionOf(checkout), checkout);
}

async function start(dir: string, version: string, checkout?: string): Promise<Peer> {
  const program = await FjordProcess.start({ dir, args: ['start', '--port', '0'], checkout });
  const { webdav, gateway } = await program.access();
  const secret = Buffer.from(`${webdav.user}:${webdav.password}`).toString('base64');
  return {
    name: 'Fjord',
    version,
    url: `${webdav.url}Sync/`,
    authorization: `Basic ${secret}`,
    idle: async () => void (await program.command('flush')),
    memory: () => residentMemory(gateway.pid),
    stop: () => program.stop(),
  };
}
