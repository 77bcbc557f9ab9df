import type { Socket } from 'node:net';
import type { KoffiFunc } from 'koffi';

/** `SOL_SOCKET` and `SO_RCVBUF` of Linux, see socket(7). */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;

/**
 * Bounds what a connection receives before it is read, in bytes, for good; the other side sends no more. On Linux only: elsewhere, and
 * where the system refuses it, does nothing. The library for calls is loaded with the first use: most programs have no limit.
 */
export async function limitReceiveBuffer(socket: Socket, bytes: number): Promise<void> {
  if (process.platform !== 'linux') return;
  const { default: koffi } = await import('koffi');
  const types = ['int', 'int', 'int', 'uint8_t *', 'uint32_t'];
  const setsockopt = koffi.load('libc.so.6').func('setsockopt', 'int', types) as KoffiFunc<
    (fd: number, level: number, option: number, value: Uint8Array, length: number) => number
  >;
  // Node has no API for this, nor for the descriptor of a connection, which may have been closed meanwhile.
  const { fd = -1 } = (socket as { readonly _handle?: { readonly fd?: number } | null })._handle ?? {};
  const value = new Uint8Array(Int32Array.of(bytes).buffer);
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, value, value.length);
}
