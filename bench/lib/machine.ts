import { cpus, release, totalmem } from 'node:os';

/** The computer on which figures were measured, in one line. */
export async function machine(): Promise<string> {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const day = new Date().toISOString().slice(0, 10);
  return `${cpus().length} × ${cpu?.model ?? '?'}, ${memory} GiB, Linux ${release()}, Node ${process.version}, ${day}.`;
}
