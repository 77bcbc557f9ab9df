import * as fc from 'fast-check';
import t, { type Test } from 'tap';
import { loadCurrent } from '../../../src/backup/restore/load-space.ts';
import { stateAt } from '../../../src/backup/restore/state-at.ts';
import type { TreeNode } from '../../../src/backup/restore/node-entry.ts';
import type { Intent, NodePast, SpaceRecord } from '../../../src/cloud/records.ts';
import { purgeTrash } from '../../../src/cloud/server/purge.ts';
import { background } from '../../../src/vfs/context.ts';
import { newId } from '../../../src/vfs/ids.ts';
import { DirectCloud, type DirectRemote } from '../../helpers/direct-cloud.ts';
import { contentOf } from '../../helpers/intents.ts';

t.setTimeout(300_000);

const DAY = 86_400_000;
const contents = Array.from({ length: 5 }, (_, i) => contentOf(Buffer.from(`content ${i}`)));

/** One thing that happens: what, to which of the nodes, in which of the folders, under which of the names. */
const step = fc.record({
  what: fc.constantFrom('mkdir', 'put', 'put', 'write', 'write', 'write', 'move', 'move', 'replace', 'save', 'remove'),
  node: fc.nat(30),
  folder: fc.nat(5),
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  content: fc.nat(contents.length - 1),
  pause: fc.constantFrom(1, 1000, DAY),
});
type Step = Readonly<{ what: string; node: number; folder: number; name: string; content: number; pause: number }>;

/** A cloud whose clock the test moves. */
class History {
  now = 1_700_000_000_000;
  readonly cloud: DirectCloud;
  readonly remote: DirectRemote;
  readonly space: SpaceRecord;
  /** What was there at which time. */
  readonly seen: { readonly time: number; readonly nodes: readonly TreeNode[] }[] = [];

  private constructor(cloud: DirectCloud, remote: DirectRemote, space: SpaceRecord) {
    this.cloud = cloud;
    this.remote = remote;
    this.space = space;
  }

  static async open(t: Test): Promise<History> {
    const clock: { of?: History } = {};
    const cloud = await DirectCloud.open(':memory:', () => clock.of?.now ?? 1_700_000_000_000);
    t.teardown(() => cloud.close());
    const remote = await cloud.device('d');
    const space = (await remote.spaces(background)).find(({ kind }) => kind === 'sync') as SpaceRecord;
    for (const { blocks } of contents) await remote.upload(blocks, background);
    return (clock.of = new History(cloud, remote, space));
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      this.now += each.pause;
      const { nodes } = await loadCurrent(this.remote, { space: this.space }, background);
      for (const intent of this.#intents(each, [...nodes])) await this.remote.commit([intent], background);
      await this.look();
    }
  }

  async look(): Promise<void> {
    const { nodes } = await loadCurrent(this.remote, { space: this.space }, background);
    this.seen.push({ time: this.now, nodes: [...nodes] });
    this.now += 1;
  }

  async past(): Promise<NodePast[]> {
    const records: NodePast[] = [];
    for await (const record of this.remote.past(this.space.id, background)) records.push(record);
    return records;
  }

  #intents({ what, node: n, folder, name, content }: Step, nodes: readonly TreeNode[]): Intent[] {
    const folders = [this.space.root, ...nodes.filter(({ kind }) => kind === 'folder').map(({ id }) => id)];
    const files = nodes.filter(({ kind }) => kind === 'file');
    const parent = folders[folder % folders.length] as string;
    const base = { id: newId(this.now), space: this.space.id };
    const made = { mode: 0o644, mtime: this.now, birthtime: this.now };
    const bytes = contents[content]?.wire as { size: number; blocks: string };
    const version = newId(this.now);
    const node = nodes[n % Math.max(1, nodes.length)];
    const file = files[n % Math.max(1, files.length)];
    const fresh = { ...base, ...made, node: newId(this.now), parent, name };
    if (what === 'mkdir') return [{ ...fresh, op: 'mkdir' }];
    if (what === 'put') return [{ ...fresh, op: 'put', version, base: null, content: bytes }];
    if (node === undefined || file === undefined) return [];
    const own = { parent: file.parent, name: file.name };
    if (what === 'write') {
      return [{ ...base, ...made, ...own, op: 'put', node: file.id, version, base: file.version, content: bytes }];
    }
    if (what === 'replace') {
      return [{ ...fresh, ...own, op: 'put', version, base: null, content: bytes, replace: file.id }];
    }
    // As editors save: a new file, which is then renamed over the old one.
    if (what === 'save') {
      const temporary = { parent: file.parent, name: 'temporary' };
      const draft = { ...fresh, ...temporary, op: 'put', version, base: null, content: bytes } as const;
      const id = newId(this.now);
      return [draft, { ...base, id, op: 'move', node: fresh.node, from: temporary, ...own, replace: file.id }];
    }
    if (what === 'move') {
      return [{ ...base, op: 'move', node: node.id, from: { parent: node.parent, name: node.name }, parent, name }];
    }
    return [{ ...base, op: 'remove', node: node.id, base: node.version, seen: Number.MAX_SAFE_INTEGER }];
  }
}

/** Paths with what is there: the version of a file, the kind of others. */
function paths(nodes: Iterable<TreeNode>, root: string): Map<string, string> {
  const byId = new Map([...nodes].map((node) => [node.id, node]));
  const path = (id: string): string => {
    const node = byId.get(id);
    if (node === undefined) throw new Error('a node hangs in the air');
    return node.parent === root ? node.name : `${path(node.parent)}/${node.name}`;
  };
  return new Map([...byId.values()].map(({ id, kind, version }) => [path(id), kind === 'file' ? `${version}` : kind]));
}

function text(map: ReadonlyMap<string, string>): string {
  return [...map]
    .map(([path, what]) => `${path}=${what}`)
    .toSorted()
    .join(' ');
}

t.test('each time is as it was, but for versions that are no longer kept, which are named', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const history = await History.open(t);
      const { root } = history.space;
      await history.run(steps);
      const records = await history.past();
      const kept = new Set(records.flatMap(({ versions }) => versions.map(({ id }) => id)));
      for (const { time, nodes } of history.seen) {
        const was = paths(nodes, root);
        const state = stateAt(records, root, time);
        const is = paths(state.nodes, root);
        for (const { path } of state.lacks) {
          const version = was.get(path);
          if (version === undefined || kept.has(version)) throw new Error(`${path} could be had`);
          was.delete(path);
        }
        if (text(is) !== text(was)) throw new Error(`at ${time}: ${text(is)} instead of ${text(was)}`);
      }
    }),
    { numRuns: 60 },
  );
});

t.test('what is no longer in the Trash is named, with the day of its removal', async (t) => {
  const history = await History.open(t);
  const made = { node: 0, folder: 1, name: 'a', content: 0, pause: 1000 };
  await history.run([
    { ...made, what: 'mkdir', folder: 0, name: 'd' },
    { ...made, what: 'put' },
    { ...made, what: 'put', folder: 0, name: 'b' },
  ]);
  const before = history.now;
  await history.run([{ ...made, what: 'remove', node: 0, pause: DAY }]);
  const { root } = history.space;
  t.same(stateAt(await history.past(), root, before).lacks, []);
  history.now += 31 * DAY;
  await purgeTrash(history.cloud.meta, history.now, background.signal);
  const { lacks, nodes } = stateAt(await history.past(), root, before);
  t.match(lacks, [{ path: 'd/a', reason: /^it was removed on 2023-11-15 \d\d:\d\d and is no longer in the Trash$/ }]);
  t.same([...paths(nodes, root).keys()].toSorted(), ['b', 'd']);
});
