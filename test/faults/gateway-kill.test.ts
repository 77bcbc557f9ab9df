import { createHash, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Pool } from 'undici';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { pattern } from '../clients/tree.ts';

t.setTimeout(900_000);

const ROUNDS = Number(process.env['FJORD_GATEWAY_KILL_ROUNDS'] ?? 20);
const WRITERS = 4;

/** The acknowledged files: path → digest of the content. */
type Promised = Map<string, string>;

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Writes files until `signal`. Acknowledged ones must be there; interrupted ones may be. */
async function write(
  fjord: Fjord,
  writer: number,
  round: number,
  promised: Promised,
  signal: AbortSignal,
): Promise<number> {
  const { origin, pathname } = new URL(fjord.webdav.url);
  const { user, password } = fjord.webdav;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const pool = new Pool(origin, { connections: 1 });
  let done = 0;
  try {
    for (let i = 0; !signal.aborted; i++) {
      // Some paths are new, some are rewritten; both must have the content that was acknowledged last.
      const path = i % 3 === 0 ? `Sync/w${writer}-shared-${i % 2}` : `Sync/w${writer}-r${round}-${i}`;
      const body = Buffer.concat([Buffer.from(`${writer} ${round} ${i}\n`), pattern(randomInt(0, 40_000))]);
      const { statusCode, body: answer } = await pool.request({
        method: 'PUT',
        path: pathname + path,
        headers: { authorization },
        body,
        signal,
      });
      await answer.dump();
      if (statusCode < 300) {
        promised.set(path, digest(body));
        done++;
      }
    }
  } catch {
    // Killed during a write: the last file was not acknowledged, so it may be there or not. Its path is not written
    // again, unless it is a shared one, whose next write decides.
    promised.delete(`Sync/w${writer}-shared-0`);
    promised.delete(`Sync/w${writer}-shared-1`);
  } finally {
    await pool.destroy();
  }
  return done;
}

t.test(`a gateway killed ${ROUNDS} times under load loses no acknowledged file`, { timeout: 900_000 }, async (t) => {
  const fjord = await startFjord(t);
  const promised: Promised = new Map();
  let answered = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const stop = new AbortController();
    const writers = Array.from({ length: WRITERS }, (_, i) => write(fjord, i, round, promised, stop.signal));
    await sleep(randomInt(5, 250));
    await fjord.killGateway();
    stop.abort();
    answered += (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
    await fjord.gatewayBack();
  }
  t.ok(answered > ROUNDS, `${answered} files were acknowledged`);
  const flushed = await fjord.cli('flush');
  t.equal(flushed.code, 0, flushed.stderr);

  const cloud = await fjord.cloudTree('Sync');
  let wrong = 0;
  for (const [path, hash] of promised) {
    const content = cloud.get(path.slice('Sync/'.length));
    if (content === undefined || digest(await content()) !== hash) {
      wrong++;
      t.comment(`${path} is ${content === undefined ? 'missing' : 'different'}`);
    }
  }
  t.equal(wrong, 0, `all ${promised.size} acknowledged files are in the cloud, byte for byte`);
  const copies = [...cloud.keys()].filter((name) => /conflict/.test(name));
  t.same(copies, [], 'and nothing is there twice');
});
