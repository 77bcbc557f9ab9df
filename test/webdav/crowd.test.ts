import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { DavServer } from '../helpers/dav-server.ts';

t.setTimeout(500_000);

/** Opens connections, prints `ready`, and keeps them open until its input ends. */
const client = `
const net = require('node:net');
const [port, count] = process.argv.slice(1).map(Number);
let open = 0;
const next = () => {
  const socket = net.connect(port, '127.0.0.1', () => {
    if (++open === count) console.log('ready');
    else if (open + 49 < count) next();
  });
  socket.on('error', (error) => { console.error(error.message); process.exit(1); });
};
for (let i = 0; i < Math.min(50, count); i++) next();
process.stdin.on('end', () => process.exit(0)).resume();
`;

/** Limit of descriptors for this process; Infinity if there is none. */
function descriptors(): number {
  try {
    return Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.stderr?.once('data', (text) => reject(new Error(String(text))));
  });
}

t.test('ten thousand idle connections do not delay others', async (t) => {
  const count = Math.min(10_000, descriptors() - 500);
  const dav = await DavServer.start(t);
  const child = spawn(process.execPath, ['-e', client, String(dav.port), String(count)], { stdio: 'pipe' });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  await ready(child);
  t.equal((await dav.ask('PUT', '/a', { body: 'still here' })).status, 201, `beside ${count} connections`);
  t.equal((await dav.ask('GET', '/a')).text, 'still here');
  child.stdin.end();
  await ended;
  t.equal((await dav.ask('GET', '/a')).text, 'still here', 'and after they have gone');
});
