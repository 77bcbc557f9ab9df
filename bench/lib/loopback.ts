import { readFile } from 'node:fs/promises';

/** Bytes that the loopback interface has received since the start of the system: both ways of all connections. */
export async function received(): Promise<number> {
  return Number(/^\s*lo:\s*(\d+)/m.exec(await readFile('/proc/net/dev', 'utf8'))?.[1]);
}
