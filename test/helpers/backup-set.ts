import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { BackupIndex } from '../../src/backup/backup-index.ts';
import { Exclusions } from '../../src/backup/exclusions.ts';
import { ProblemLog, type LoggedProblem } from '../../src/backup/problem-log.ts';
import { runBackup, type BackupOptions } from '../../src/backup/run.ts';
import { openBackupStore } from '../../src/backup/store.ts';
import { Verification } from '../../src/backup/verify.ts';
import { Database } from '../../src/cache/db/database.ts';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import type { NodeRecord } from '../../src/cloud/records.ts';
import { BLOCK_SIZE } from '../../src/vfs/block.ts';
import { background } from '../../src/vfs/context.ts';
import { startTestCloud } from './cloud.ts';
import { startFaultyProxy } from './faulty-proxy.ts';
import { temporary } from './temporary.ts';

const { signal } = background;

/**
 * A source folder, a set for it in a cloud of its own, and a proxy between them that counts.
 * @param given the folder; a new one if absent
 */
export async function openSet(t: Test, given?: string) {
  const cloud = await startTestCloud(t);
  const proxy = await startFaultyProxy(cloud.url);
  // A third of the calls may be disturbed: four tries of one are at times all among them.
  const retry = { tries: 10, pause: 5, longest: 20 };
  const remote = new HttpRemote({ url: proxy.url, token: await cloud.login(), retry });
  const base = temporary(t);
  const folder = given ?? join(base, 'source');
  mkdirSync(folder, { recursive: true });
  let database = await Database.open(join(base, 'index'));
  t.teardown(async () => {
    await database.close();
    await remote.close();
    await proxy.stop();
  });
  const run = async (more: Partial<BackupOptions> = {}) => {
    const space = await remote.openBackup('set', background);
    const store = await openBackupStore(database, space.id);
    return runBackup({ folder, space, remote, store, signal, ...more });
  };
  const mirror = async () => tree(remote);
  const problems = async () => {
    const space = await remote.openBackup('set', background);
    const all: LoggedProblem[] = [];
    for await (const one of new ProblemLog(await openBackupStore(database, space.id), 0).list()) all.push(one);
    return all;
  };
  /** What a verification finds that reads the content of that share of the files, as `CAUSE PATH WHAT: REASON`. */
  const verify = async (share = 0): Promise<string[]> => {
    const space = await remote.openBackup('set', background);
    const index = new BackupIndex(await openBackupStore(database, space.id));
    const found: string[] = [];
    await new Verification({
      folder,
      space,
      remote,
      index,
      share,
      context: background,
      random: () => 0.5,
      priority: 'normal',
      exclusions: new Exclusions([]),
      oneFileSystem: false,
      onFinding: ({ cause, path, what, reason }) => void found.push(`${cause} ${path} ${what}: ${reason}`),
      onProgress: () => undefined,
    }).run();
    return found.sort();
  };
  const loseIndex = async () => {
    await database.close();
    database = await Database.open(mkdtempSync(join(base, 'index-')));
  };
  return { proxy, remote, folder, run, mirror, problems, verify, loseIndex };
}

/** The mirror: its nodes by path. */
export async function tree(remote: HttpRemote): Promise<Map<string, NodeRecord>> {
  const space = await remote.openBackup('set', background);
  const nodes = new Map<string, NodeRecord>();
  for await (const record of remote.snapshot(space.id, background)) if ('id' in record) nodes.set(record.id, record);
  const pathOf = (node: NodeRecord): string => {
    const parent = nodes.get(node.parent);
    return parent ? `${pathOf(parent)}/${node.name}` : node.name;
  };
  return new Map([...nodes.values()].map((node) => [pathOf(node), node]));
}

/** The blocks of a file of the mirror. */
export async function blocksOf(remote: HttpRemote, node: NodeRecord): Promise<Uint8Array[]> {
  const count = Math.ceil(node.size / BLOCK_SIZE);
  const requests = Array.from({ length: count }, (_, index) => ({ version: node.version ?? '', index }));
  const blocks: Uint8Array[] = [];
  for await (const { data } of remote.read(requests, background)) blocks.push(data);
  return blocks;
}

export async function contentOf(remote: HttpRemote, node: NodeRecord): Promise<Buffer> {
  return Buffer.concat(await blocksOf(remote, node));
}
