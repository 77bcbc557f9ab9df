import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { SetAgent } from '../../../src/backup/agent/set-agent.ts';
import { runBackup } from '../../../src/backup/run.ts';
import { openBackupStore } from '../../../src/backup/store.ts';
import { Database } from '../../../src/cache/db/database.ts';
import { HttpRemote } from '../../../src/cloud/http/http-remote.ts';
import type { NodeRecord } from '../../../src/cloud/records.ts';
import { background } from '../../../src/vfs/context.ts';
import { watchFolder } from '../../../src/watch/watch-folder.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(300_000);

/** Random numbers below a bound, the same for a seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** One change of a tree as programs make it. */
function change(folder: string, random: (below: number) => number): void {
  const place = () => join(folder, ...Array.from({ length: 1 + random(3) }, () => `d${random(3)}`));
  const file = () => join(place(), `f${random(6)}`);
  const [from, to] = [file(), file()];
  mkdirSync(join(from, '..'), { recursive: true });
  mkdirSync(join(to, '..'), { recursive: true });
  const actions = [
    () => writeFileSync(from, `written ${random(1e6)}`),
    () => appendFileSync(from, `more ${random(1e6)}`),
    () => {
      writeFileSync(`${from}~`, `saved ${random(1e6)}`);
      renameSync(`${from}~`, from);
    },
    () => existsSync(from) && renameSync(from, to),
    () => rmSync(from, { force: true }),
    () => existsSync(from) && utimesSync(from, random(1e6), random(1e6)),
    () => rmSync(place(), { recursive: true, force: true }),
    () => {
      const moved = join(folder, `d${random(3)}`, `moved ${random(4)}`);
      const source = place();
      if (existsSync(source) && !existsSync(moved) && !moved.startsWith(`${source}/`)) renameSync(source, moved);
    },
  ];
  const action = actions[random(actions.length)];
  try {
    action?.();
  } catch {
    // A file where a folder should be, or the other way round: then nothing changes.
  }
}

function listed(folder: string, base = ''): string[] {
  return readdirSync(join(folder, base), { withFileTypes: true })
    .flatMap((entry) => {
      const path = base === '' ? entry.name : `${base}/${entry.name}`;
      const { size, mtimeNs } = statSync(join(folder, path), { bigint: true });
      const mtime = Math.round(Number(mtimeNs) / 1e6);
      return entry.isDirectory() ? [path, ...listed(folder, path)] : [`${path} ${size} ${mtime}`];
    })
    .sort();
}

async function mirrored(remote: HttpRemote): Promise<string[]> {
  const space = await remote.openBackup('set', background);
  const nodes = new Map<string, NodeRecord>();
  for await (const record of remote.snapshot(space.id, background)) if ('id' in record) nodes.set(record.id, record);
  const pathOf = ({ parent, name }: NodeRecord): string => {
    const above = nodes.get(parent);
    return above ? `${pathOf(above)}/${name}` : name;
  };
  const line = (node: NodeRecord) =>
    node.kind === 'folder' ? pathOf(node) : `${pathOf(node)} ${node.size} ${Math.round(node.mtime)}`;
  return [...nodes.values()].map(line).sort();
}

for (const seed of [1, 2, 3]) {
  t.test(`whatever programs do, the mirror follows, by events alone (seed ${seed})`, async (t) => {
    const cloud = await startTestCloud(t);
    const remote = new HttpRemote({ url: cloud.url, token: await cloud.login() });
    const base = temporary(t);
    const folder = join(base, 'source');
    mkdirSync(folder);
    const database = await Database.open(join(base, 'index'));
    const wholes: boolean[] = [];
    const agent = new SetAgent({
      set: { name: 'set', folder },
      run: async (_set, request) => {
        wholes.push(request.scope === undefined);
        const space = await remote.openBackup('set', request);
        const store = await openBackupStore(database, space.id);
        return { summary: await runBackup({ folder, space, remote, store, ...request, confirm: true }), changes: {} };
      },
      probe: async () => undefined,
      watch: watchFolder,
      save: async () => undefined,
      clock: { now: Date.now, monotonic: () => performance.now() },
      random: Math.random,
      onFault: (error) => t.fail(String(error)),
    });
    t.teardown(async () => {
      await agent.stop();
      await database.close();
      await remote.close();
    });
    agent.start();
    const random = numbers(seed);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 40; i++) {
        change(folder, random);
        if (random(8) === 0) await sleep(random(300));
      }
      let seen = await mirrored(remote);
      const wanted = listed(folder);
      for (const until = Date.now() + 30_000; Date.now() < until; await sleep(300)) {
        seen = await mirrored(remote);
        if (JSON.stringify(seen) === JSON.stringify(wanted)) break;
      }
      t.same(seen, wanted, `round ${round}`);
    }
    t.equal(wholes.filter((whole) => whole).length, 1, 'everything was compared only at the start');
  });
}
