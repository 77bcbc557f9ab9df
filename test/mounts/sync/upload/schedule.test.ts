import type { Place } from '../../../../src/vfs/file-system.ts';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { Entry } from '../../../../src/cache/tree/entry.ts';
import type { PendingIntent } from '../../../../src/cache/tree/journal.ts';
import {
  isCreation,
  keepsTurn,
  outOfOrder,
  planContent,
  planCreation,
  planMove,
  planPlainMove,
  planRemove,
  type Plan,
  type Waiting,
} from '../../../../src/mounts/intents/plan.ts';
import { schedule, type Schedule, type ScheduleFacts } from '../../../../src/mounts/sync/upload/schedule.ts';

const ROOT = 'root';

/** The local side: a tree, and its pending intents. */
class Local {
  readonly entries = new Map<string, Entry>();
  readonly intents = new Map<number, PendingIntent>();
  readonly claimed = new Set<number>();
  #count = 0;
  #seq = 0;

  ids(kind?: Entry['kind']): string[] {
    return [...this.entries.values()].filter((entry) => kind === undefined || entry.kind === kind).map(({ id }) => id);
  }

  create(kind: 'file' | 'folder', parent: string, name: string): void {
    if (this.#at(parent, name) !== undefined) return;
    const id = `n${this.#count++}`;
    const version = `v${this.#count++}`;
    const times = { mtime: 0, ctime: 0, birthtime: 0 };
    const entry: Entry = {
      id,
      space: 's',
      parent,
      name,
      kind,
      size: 0,
      mode: 0,
      ...times,
      version,
      rev: 0,
      base: null,
    };
    this.entries.set(id, entry);
    this.#plan(planCreation(entry, kind === 'file' ? { version } : undefined));
  }

  edit(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.#plan(planContent(entry, this.#waiting(id), { version: `v${this.#count++}` }));
  }

  move(id: string, parent: string, name: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined || this.#at(parent, name) !== undefined || this.#isBelow(parent, id)) return;
    this.#plan(
      planMove(
        entry,
        this.#waiting(id),
        { parent, name },
        { keeps: (mkdir) => keepsTurn(this.inOrder(), mkdir, { parent, name }) },
      ),
    );
    this.entries.set(id, { ...entry, parent, name });
  }

  /**
   * Exchanges two nodes as the drive does: one is moved aside, the other to its place, and the first to the other's.
   */
  exchange(one: string, other: string): void {
    const [a, b] = [this.entries.get(one), this.entries.get(other)];
    if (a === undefined || b === undefined || a === b) return;
    if (this.#isBelow(a.parent, b.id) || this.#isBelow(b.parent, a.id)) return;
    const move = (entry: Entry, to: Place): void => {
      this.#plan({ add: [planPlainMove(entry, this.#waiting(entry.id), to)], rewrite: [], drop: [] });
    };
    move(a, { parent: a.parent, name: `.aside-${this.#seq}` });
    move(b, { parent: a.parent, name: a.name });
    move(a, { parent: b.parent, name: b.name });
    this.entries.set(a.id, { ...a, parent: b.parent, name: b.name });
    this.entries.set(b.id, { ...b, parent: a.parent, name: a.name });
  }

  remove(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined || [...this.entries.values()].some(({ parent }) => parent === id)) return;
    // Nodes may have pending moves through a folder that is removed by now.
    const isNamed = [...this.intents.values()].some(({ parent, origin, node }) => {
      return node !== id && (parent === id || origin?.parent === id);
    });
    this.#plan(planRemove(entry, this.#waiting(id), { seen: 0, isNamed, empty: entry.kind === 'folder' }));
    this.entries.delete(id);
  }

  done(intent: PendingIntent): void {
    this.intents.delete(intent.seq);
    this.claimed.delete(intent.seq);
    const entry = this.entries.get(intent.node);
    if (entry === undefined) return;
    const { parent, name } = isCreation(intent) || intent.op === 'move' ? intent : (entry.base ?? intent);
    const version = intent.op === 'put' ? (intent.version ?? null) : (entry.base?.version ?? null);
    this.entries.set(entry.id, { ...entry, base: { parent, name, version, hash: null, rev: 0 } });
  }

  #at(parent: string, name: string): Entry | undefined {
    return [...this.entries.values()].find((entry) => entry.parent === parent && entry.name === name);
  }

  inOrder(): PendingIntent[] {
    return [...this.intents.values()].sort((a, b) => a.seq - b.seq);
  }

  #isBelow(id: string, folder: string): boolean {
    for (let at: string | undefined = id; at !== undefined; at = this.entries.get(at)?.parent) {
      if (at === folder) return true;
    }
    return false;
  }

  #waiting(node: string): Waiting[] {
    const own = [...this.intents.values()].filter((intent) => intent.node === node);
    return own.map((intent) => ({ intent, fixed: this.claimed.has(intent.seq) }));
  }

  #plan({ add, rewrite, drop }: Plan): void {
    for (const { seq } of drop) this.intents.delete(seq);
    for (const intent of rewrite) this.intents.set(intent.seq, intent);
    for (const intent of add) {
      const seq = ++this.#seq;
      this.intents.set(seq, { ...intent, seq, id: `i${seq}`, at: 0 });
    }
  }
}

interface Node {
  readonly parent: string;
  readonly name: string;
  readonly version: string | undefined;
}

/** A cloud as strict as the service. */
class Cloud {
  readonly nodes = new Map<string, Node>();

  execute(intent: PendingIntent): void {
    const { op, node, parent, name, origin, version, base } = intent;
    const known = this.nodes.get(node);
    if (isCreation(intent)) {
      this.#free(parent, name);
      this.#refuseIf(known !== undefined, 'the node exists');
      this.nodes.set(node, { parent, name, version });
      return;
    }
    if (known === undefined) throw new Error(`${op} of a node that is not there`);
    if (op === 'put') {
      this.#refuseIf(known.version !== base, `based on ${base}, not ${known.version}`);
      this.nodes.set(node, { ...known, version });
    } else if (op === 'move') {
      this.#refuseIf(origin?.parent !== known.parent || origin.name !== known.name, 'not where it was expected');
      this.#free(parent, name);
      this.#noCycle(node, parent);
      this.nodes.set(node, { ...known, parent, name });
    } else if (op === 'remove') {
      this.#refuseIf(
        [...this.nodes.values()].some(({ parent }) => parent === node),
        'something is still in it',
      );
      this.nodes.delete(node);
    }
  }

  #free(parent: string, name: string): void {
    this.#refuseIf(parent !== ROOT && !this.nodes.has(parent), `no folder ${parent}`);
    const holder = [...this.nodes.values()].find((node) => node.parent === parent && node.name === name);
    this.#refuseIf(holder !== undefined, `the name ${name} is taken`);
  }

  #noCycle(node: string, parent: string): void {
    for (let at: string | undefined = parent; at !== undefined; at = this.nodes.get(at)?.parent) {
      this.#refuseIf(at === node, 'a folder in itself');
    }
  }

  #refuseIf(condition: boolean, why: string): void {
    if (condition) throw new Error(why);
  }
}

const pick = fc.nat(1000);
const name = fc.constantFrom('a', 'b', 'c');
const action = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    kind: fc.constantFrom('file' as const, 'folder' as const),
    pick,
    name,
  }),
  fc.record({ do: fc.constant('edit' as const), pick }),
  fc.record({ do: fc.constant('move' as const), pick, to: pick, name }),
  fc.record({ do: fc.constant('remove' as const), pick }),
  fc.record({ do: fc.constant('exchange' as const), pick, with: pick }),
  fc.record({ do: fc.constant('send' as const), held: fc.nat(7), limit: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constant('land' as const) }),
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function perform(local: Local, step: Action): void {
  const at = <T>(list: readonly T[], index: number): T | undefined => list[index % Math.max(1, list.length)];
  const folder = (index: number): string => at([ROOT, ...local.ids('folder')], index) ?? ROOT;
  if (step.do === 'create') local.create(step.kind, folder(step.pick), step.name);
  if (step.do === 'edit') local.edit(at(local.ids('file'), step.pick) ?? '');
  if (step.do === 'move') local.move(at(local.ids(), step.pick) ?? '', folder(step.to), step.name);
  if (step.do === 'exchange') local.exchange(at(local.ids(), step.pick) ?? '', at(local.ids(), step.with) ?? '');
  if (step.do === 'remove') local.remove(at(local.ids(), step.pick) ?? '');
}

function plan(local: Local, held: number, limit: number): Schedule {
  const facts: ScheduleFacts = {
    now: 0,
    // A varying part of the puts is being written.
    readyAt: ({ op, seq }) => (op === 'put' && held > 0 && seq % 8 <= held ? undefined : 0),
    isClaimed: (seq) => local.claimed.has(seq),
    isFolder: (node) => local.entries.get(node)?.kind === 'folder',
    isBig: ({ op, seq }) => op === 'put' && seq % 5 === 0,
    weigh: () => 1,
    limits: { intents: limit, bytes: 3, big: 2 },
  };
  return schedule(local.inOrder(), facts);
}

/** Performs the steps and sends the rest. Every intent must succeed, and the cloud must have the local tree. */
function run(steps: readonly Action[]): void {
  const local = new Local();
  const cloud = new Cloud();
  let flying: PendingIntent[] = [];
  const land = (): void => {
    for (const intent of flying) {
      cloud.execute(intent);
      local.done(intent);
    }
    flying = [];
  };
  const send = (held: number, limit: number): number => {
    const { batch, big } = plan(local, held, limit);
    for (const intent of batch) {
      cloud.execute(intent);
      local.done(intent);
    }
    for (const { seq } of big) local.claimed.add(seq);
    flying.push(...big);
    return batch.length + big.length;
  };
  for (const step of steps) {
    if (step.do === 'send') send(step.held, step.limit);
    else if (step.do === 'land') land();
    else perform(local, step);
    const wrong = outOfOrder(local.inOrder());
    if (wrong !== undefined) throw new Error(`out of order: ${JSON.stringify(wrong)}`);
  }
  land();
  while (send(0, 3) > 0) land();
  if (local.intents.size > 0) throw new Error(`stuck: ${JSON.stringify([...local.intents.values()])}`);
  const shown = [...local.entries.values()].map(({ id, parent, name }) => `${id} ${parent}/${name}`).sort();
  const there = [...cloud.nodes].map(([id, { parent, name }]) => `${id} ${parent}/${name}`).sort();
  assert.deepEqual(there, shown);
}

t.test('whatever is delayed, no intent is sent before one that it depends on, and all arrive', async () => {
  fc.assert(fc.property(fc.array(action, { maxLength: 60 }), run), { numRuns: 1500 });
});

/** A few known folders, and then unsent moves of new ones into each other and out again. */
const tangle = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('create' as const), kind: fc.constant('folder' as const), pick, name }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('move' as const), pick, to: pick, name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('exchange' as const), pick, with: pick }) },
);
const create = (kind: 'file' | 'folder', pick: number, name: 'a' | 'b' | 'c'): Action => ({
  do: 'create',
  kind,
  pick,
  name,
});
const KNOWN: readonly Action[] = [
  create('folder', 0, 'c'),
  create('file', 1, 'a'),
  create('folder', 1, 'b'),
  { do: 'send', held: 0, limit: 4 },
];

t.test('also folders that are moved into each other before they are sent', async () => {
  fc.assert(
    fc.property(fc.array(tangle, { minLength: 5, maxLength: 25 }), (steps) => run([...KNOWN, ...steps])),
    { numRuns: Number(process.env['FJORD_TANGLES'] ?? 3000) },
  );
});

const intent = (seq: number, more: Partial<PendingIntent>): PendingIntent => ({
  seq,
  id: `i${seq}`,
  op: 'put',
  space: 's',
  node: `n${seq}`,
  at: 0,
  parent: ROOT,
  name: `f${seq}`,
  ...(more.op === undefined || more.op === 'put' ? { base: null, version: `v${seq}` } : {}),
  ...more,
});
const facts: ScheduleFacts = {
  now: 100,
  readyAt: () => 0,
  isClaimed: () => false,
  isFolder: () => true,
  isBig: () => false,
  weigh: () => 1,
  limits: { intents: 500, bytes: 1000, big: 2 },
};
const seqs = (list: readonly PendingIntent[]): number[] => list.map(({ seq }) => seq);

t.test('a parked intent blocks only those that depend on it', async (t) => {
  const parked = { code: 'EINVAL', reason: 'x', at: 0 };
  const waiting = [
    intent(1, { op: 'mkdir', parked }),
    intent(2, { parent: 'n1' }),
    intent(3, {}),
    intent(4, { op: 'move', node: 'n2', parent: ROOT, name: 'x', origin: { parent: 'n1', name: 'f2' } }),
    intent(5, { name: 'x' }),
    intent(6, { op: 'remove', node: 'other', base: null }),
  ];
  t.strictSame(seqs(schedule(waiting, facts).batch), [3]);
  t.strictSame(
    seqs(
      schedule(
        waiting.filter(({ seq }) => seq !== 4),
        facts,
      ).batch,
    ),
    [3, 5, 6],
  );
});

t.test('a folder that has to be empty waits for what has yet to leave it', async (t) => {
  const parked = { code: 'EIO', reason: 'x', at: 0 };
  const rmdir = intent(3, { op: 'remove', node: 'd', base: null, empty: true });
  const over = intent(4, { op: 'move', node: 'e', name: 'd', origin: { parent: ROOT, name: 'e' }, replace: 'd' });
  const removal = intent(1, { op: 'remove', node: 'f', base: 'v', parent: 'd', parked });
  t.strictSame(seqs(schedule([removal, rmdir], facts).batch), []);
  t.strictSame(seqs(schedule([removal, over], facts).batch), []);
  const out = intent(2, { op: 'move', node: 'f', origin: { parent: 'd', name: 'f' }, parked });
  t.strictSame(seqs(schedule([out, rmdir], facts).batch), []);
  const { empty: _empty, ...tree } = rmdir;
  t.strictSame(seqs(schedule([removal, tree], facts).batch), [3], 'a tree goes with what is in it');
});

t.test('it says when more will be ready', async (t) => {
  const waiting = [intent(1, {}), intent(2, {}), intent(3, {})];
  const { batch, nextAt } = schedule(waiting, { ...facts, readyAt: ({ seq }) => seq * 90 });
  t.strictSame(seqs(batch), [1]);
  t.equal(nextAt, 180);
  t.equal(schedule(waiting, { ...facts, readyAt: () => undefined }).nextAt, undefined);
});

t.test('a batch has a limit in intents and in bytes, except for a single one', async (t) => {
  const waiting = [intent(1, {}), intent(2, {}), intent(3, {}), intent(4, { op: 'mkdir' })];
  t.strictSame(seqs(schedule(waiting, { ...facts, limits: { ...facts.limits, intents: 2 } }).batch), [1, 2]);
  const weigh = ({ op }: PendingIntent): number => (op === 'put' ? 700 : 0);
  t.strictSame(seqs(schedule(waiting, { ...facts, weigh }).batch), [1, 4]);
  t.strictSame(seqs(schedule(waiting, { ...facts, weigh: () => 5000 }).batch), [1]);
});
