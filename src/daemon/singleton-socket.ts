import { chmod, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { FsError } from '../vfs/fs-error.ts';

/**
 * Listens on a local socket that only one process at a time may have. The socket of a dead process is taken over; that
 * of a living one is not.
 * @throws EBUSY with the given `reason` if another process is listening there
 */
export async function listenAlone(path: string, reason: string, listen: () => Promise<void>): Promise<void> {
  try {
    await listen();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (await isListening(path)) throw new FsError('EBUSY', 'listen', { subject: path, reason, cause: error });
    await rm(path, { force: true });
    await listen();
  }
  if (process.platform !== 'win32') await chmod(path, 0o600);
}

/** Whether a process listens on a local socket. */
export async function isListening(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    // The backlog of the listening process is full.
    return (error as NodeJS.ErrnoException).code === 'EAGAIN';
  } finally {
    socket.destroy();
  }
}

/** A claim that lasts until it is released or the process ends in any way. */
export interface Claim {
  release(): Promise<void>;
}

/** Claims a path for this process. @throws EBUSY as by `listenAlone` */
export async function claim(path: string, reason: string): Promise<Claim> {
  const server = createServer((socket) => socket.destroy());
  await listenAlone(path, reason, () => listen(server, path));
  server.unref();
  return {
    release: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  const ready = once(server, 'listening');
  server.listen(path);
  await ready;
}
