/** Serves an in-memory drive for measurements: `tsx bench/webdav/serve-memory.ts [port]`, user `u`, password `p`. */
import { WebDavServer } from '../../src/webdav/server.ts';
import { MemoryLockStore } from '../../src/webdav/locks/lock-store.ts';
import { silent } from '../../src/webdav/log.ts';
import { background } from '../../src/vfs/context.ts';
import { MemoryFs } from '../../test/helpers/memory-fs.ts';

const fs = new MemoryFs();
for (const count of [1000, 10_000, 50_000]) {
  const folder = fs.mkdir(fs.root, `d${count}`, {}, background);
  for (let i = 0; i < count; i++) {
    const handle = fs.create(folder.id, `file-${i}.txt`, {}, { read: false, write: true }, background);
    await handle.write(Buffer.from(`content of ${i}\n`), 0, background);
    await handle.close();
  }
}
const small = fs.create(fs.root, 'small.bin', {}, { read: false, write: true }, background);
await small.write(Buffer.alloc(4096, 'x'), 0, background);
await small.close();
const auth = process.env['ANON'] === undefined ? { user: 'u', password: 'p' } : ('anonymous' as const);
const server = new WebDavServer({ fs, auth, lockStore: new MemoryLockStore(), log: silent });
await server.listen({ host: '127.0.0.1', port: Number(process.argv[2] ?? 4999) });
console.log(server.url);
process.on('SIGINT', () => void server.close().then(() => process.exit(0)));
process.on('SIGTERM', () => void server.close().then(() => process.exit(0)));
