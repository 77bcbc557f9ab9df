import koffi, { type KoffiFunc } from 'koffi';
import { closeSync, constants, openSync } from 'node:fs';

/** `FS_IOC_GETFSUUID` of `<linux/fs.h>`: `_IOR(0x15, 0, struct fsuuid2)`, a length and up to 16 bytes; Linux 6.9. */
const FS_IOC_GETFSUUID = 0x8011_1500;
const SIZE = 17;

/**
 * The identifier of the file system that a folder is on, in hex, wherever it is mounted; undefined where the system does not
 * say, as for network file systems and FAT.
 * @throws errors of `open`
 */
export function volumeUuid(folder: string | Buffer): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const libc = koffi.load('libc.so.6');
  const ioctl = libc.func('ioctl', 'int', ['int', 'ulong', 'void *']) as KoffiFunc<
    (fd: number, request: number, argument: Buffer) => number
  >;
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const answer = Buffer.alloc(SIZE);
    if (ioctl(fd, FS_IOC_GETFSUUID, answer) < 0) return undefined;
    const uuid = answer.subarray(1, 1 + (answer[0] ?? 0));
    return uuid.some((byte) => byte !== 0) ? uuid.toString('hex') : undefined;
  } finally {
    closeSync(fd);
  }
}
