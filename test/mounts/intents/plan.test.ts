import t from 'tap';
import type { Entry } from '../../../src/cache/tree/entry.ts';
import type { PendingIntent } from '../../../src/cache/tree/journal.ts';
import {
  fillingOf,
  keepsTurn,
  planAttr,
  planContent,
  planCreation,
  planMove,
  planRemove,
  planReplaced,
  type Plan,
  type Replaced,
  type Waiting,
} from '../../../src/mounts/intents/plan.ts';

const times = { mtime: 1, ctime: 1, birthtime: 1 };
const plain = { id: 'n', space: 's', parent: 'p', name: 'f', size: 1, mode: 0o644, ...times, version: 'shown', rev: 5 };
const known: Entry = { ...plain, kind: 'file', remote: 'v1', hash: 'h1' };
const folder: Entry = { ...plain, kind: 'folder' };
const born: Entry = { ...plain, kind: 'file', rev: 0, base: null };
const bornFolder: Entry = { ...born, kind: 'folder' };
const to = { parent: 'q', name: 'g' };

let seq = 0;
function waits(fixed: boolean, op: PendingIntent['op'], more: Partial<PendingIntent> = {}): Waiting {
  seq++;
  const intent = { seq, id: `i${seq}`, op, space: 's', node: 'n', at: 0, parent: 'p', name: 'f', ...more };
  return { intent, fixed };
}
const unsent = (op: PendingIntent['op'], more?: Partial<PendingIntent>): Waiting => waits(false, op, more);
const sent = (op: PendingIntent['op'], more?: Partial<PendingIntent>): Waiting => waits(true, op, more);
const creation = { base: null, staged: 'a', version: 'va' };

/** `+op` added, `~op` rewritten, `-op` dropped. */
function shape({ add, rewrite, drop }: Plan): string {
  const list = (sign: string, intents: readonly { op: string }[]): string[] => intents.map(({ op }) => sign + op);
  return [...list('-', drop), ...list('~', rewrite), ...list('+', add)].join(' ');
}

t.test('new content', async (t) => {
  const content = { version: 'vb', staged: 'b' };
  const plan = (entry: Entry, waiting: Waiting[]): Plan => planContent(entry, waiting, content);
  t.match(
    plan(known, []),
    { add: [{ op: 'put', base: 'v1', staged: 'b', version: 'vb' }] },
    'based on what the cloud has',
  );
  t.equal(shape(plan(born, [unsent('put', creation)])), '~put', 'a creation includes it');
  t.match(plan(born, [unsent('put', creation)]), { rewrite: [{ base: null, staged: 'b', version: 'vb' }] });
  t.match(plan(born, [unsent('put', { base: null, from: 'x', version: 'va' })]).rewrite[0], {
    staged: 'b',
    from: undefined,
  });
  t.equal(shape(plan(known, [unsent('put', { base: 'v1' }), unsent('move', to)])), '~put', 'also before a move');
  t.equal(shape(plan(known, [unsent('attr')])), '~put', 'an attr becomes the put');
  t.match(plan(born, [sent('put', creation)]), { add: [{ base: 'va' }] }, 'based on what is being sent');
  t.equal(shape(plan(known, [sent('attr')])), '+put');
  t.equal(
    shape(plan(known, [unsent('put', { base: 'v0' }), sent('move', to)])),
    '+put',
    'nothing before a sent intent changes',
  );
  const parked = unsent('put', { ...creation, parked: { code: 'EDQUOT', reason: 'full', at: 1 } });
  t.notMatch(plan(born, [parked]).rewrite[0], { parked: {} }, 'a parked intent is retried');
  t.match(plan({ ...known, base: { parent: 'p', name: 'f', version: 'v0', hash: 'h', rev: 4 } }, [sent('move', to)]), {
    add: [{ base: 'v0' }],
  });
});

t.test('new attributes', async (t) => {
  t.equal(shape(planAttr(known, [])), '+attr');
  for (const op of ['put', 'mkdir', 'symlink', 'attr'] as const) {
    t.equal(shape(planAttr(known, [unsent(op, { base: null })])), `~${op}`, `${op} includes them`);
  }
  t.equal(shape(planAttr(known, [sent('put')])), '+attr');
  t.equal(shape(planAttr(known, [unsent('move', to)])), '+attr');
  t.match(planAttr(known, [unsent('attr', { cleared: ['a'] })], ['b', 'a']), { rewrite: [{ cleared: ['a', 'b'] }] });
});

t.test('another place', async (t) => {
  const plan = (entry: Entry, waiting: Waiting[], replace?: Replaced, free = true): Plan =>
    planMove(entry, waiting, to, { keeps: () => free }, { replace });
  t.match(plan(known, []), { add: [{ op: 'move', ...to, origin: { parent: 'p', name: 'f' } }] });
  t.equal(shape(plan(born, [unsent('put', creation)])), '-put +put', 'a file that was never sent is created there');
  t.match(plan(born, [unsent('put', creation)], { node: 'r' }).add[0], { ...to, staged: 'a', replace: 'r' });
  t.equal(shape(plan(born, [sent('put', creation)])), '+move');
  t.equal(
    shape(plan(born, [unsent('put', { ...creation, replace: 'x' })])),
    '+move',
    'the history of the replaced node is kept',
  );
  t.equal(shape(plan(known, [unsent('move', { parent: 'm', name: 'm' })])), '+move');
  t.match(plan(known, [unsent('move', { parent: 'm', name: 'm' })]).add[0], { origin: { parent: 'm', name: 'm' } });
  t.equal(shape(plan(known, [unsent('put', { base: 'v1' })])), '+move');
  t.equal(
    shape(plan(bornFolder, [unsent('mkdir')])),
    '~mkdir',
    'a new folder keeps its position, because of its content',
  );
  t.equal(
    shape(plan(bornFolder, [unsent('mkdir')], undefined, false)),
    '+move',
    'unless another intent concerns the name',
  );
  t.equal(shape(plan(bornFolder, [unsent('mkdir')], { node: 'r' })), '+move');
});

t.test(
  'a new folder that the cloud would not move gets a later position, before everything that is made in it',
  (t) => {
    const mkdir = unsent('mkdir', { parent: 'p', name: 'f' });
    const child = unsent('put', { ...creation, node: 'c', parent: 'n', name: 'g' });
    const move = (filling: Waiting[]): Plan =>
      planMove(bornFolder, [mkdir], to, { keeps: () => false, filling: () => filling });
    const plan = move([child]);
    t.equal(shape(plan), '-mkdir -put +mkdir +put');
    t.match(plan.add, [to, { node: 'c', parent: 'n', staged: 'a' }]);
    t.equal(shape(move([sent('put', { ...creation, node: 'c', parent: 'n' })])), '+move', 'unless some of it was sent');
    t.end();
  },
);

t.test('the filling of a folder is what is made below it, and what else waits for that', (t) => {
  const made = (seq: number, op: PendingIntent['op'], node: string, parent: string): PendingIntent => {
    return { ...unsent(op, { node, parent, name: node }).intent, seq };
  };
  const intents = [
    made(1, 'mkdir', 'n', 'p'),
    made(2, 'mkdir', 'sub', 'n'),
    made(3, 'mkdir', 'other', 'p'),
    made(4, 'symlink', 'link', 'sub'),
    made(5, 'symlink', 'beside', 'other'),
    made(6, 'attr', 'link', 'sub'),
    made(7, 'attr', 'n', 'p'),
  ];
  t.same(
    fillingOf(intents, 'n').map(({ seq }) => seq),
    [2, 4, 6],
  );
  t.end();
});

t.test('removal', async (t) => {
  const plan = (entry: Entry, waiting: Waiting[]): Plan => planRemove(entry, waiting, { seen: 7 });
  t.match(plan(known, []), { add: [{ op: 'remove', base: 'v1', seen: 7 }] });
  t.match(plan(folder, []), { add: [{ op: 'remove', base: null, seen: 7, empty: undefined }] });
  t.match(planRemove(folder, [], { seen: 7, empty: true }), { add: [{ op: 'remove', base: null, empty: true }] });
  t.equal(shape(plan(born, [unsent('put', creation)])), '-put', 'the cloud never hears of it');
  t.equal(shape(plan(born, [unsent('put', creation), unsent('move', to)])), '-put -move');
  t.equal(shape(plan(bornFolder, [unsent('mkdir'), unsent('attr')])), '-mkdir -attr');
  t.match(plan(born, [sent('put', creation)]), { drop: { length: 0 }, add: [{ op: 'remove', base: 'va' }] });
  t.equal(shape(plan(known, [unsent('put', { base: 'v1', version: 'v2' }), unsent('attr')])), '-put -attr +remove');
  t.match(plan(known, [unsent('put', { base: 'v1', version: 'v2' })]).add[0], { base: 'v1' }, 'of what the cloud has');
  t.equal(shape(plan(known, [unsent('move', to)])), '+remove', 'a move stays: it frees a name');
  t.equal(
    shape(plan(born, [unsent('put', { ...creation, replace: 'x' })])),
    '+remove',
    'the replaced node must be removed, too',
  );
  t.equal(shape(plan({ ...born, local: true }, [])), '', 'litter never has an intent');
});

t.test('being replaced', async (t) => {
  const plan = (entry: Entry, waiting: Waiting[]) => planReplaced(entry, waiting);
  t.same(plan(known, []).replace, { node: 'n', base: 'v1' });
  t.equal(plan(born, [unsent('put', creation)]).replace, undefined, 'the cloud never hears of it');
  t.equal(shape(plan(born, [unsent('put', creation)])), '-put');
  const over = { ...creation, replace: 'x', replaceBase: 'v0' };
  t.same(plan(born, [unsent('put', over)]).replace, { node: 'x', base: 'v0' }, 'its own victim is inherited');
  t.equal(shape(plan(born, [unsent('put', { ...creation, replace: 'x' })])), '-put');
  t.match(plan(born, [unsent('put', { ...creation, replace: 'x' }), unsent('move', to)]), {
    replace: { node: 'n' },
    drop: { length: 0 },
  });
  t.match(plan(born, [sent('put', creation)]), { replace: { node: 'n', base: 'va' }, drop: { length: 0 } });
  t.match(plan(folder, []).replace, { node: 'n', base: undefined });
  t.equal(shape(plan(known, [unsent('move', to), unsent('put', { base: 'v1' })])), '-put');
  t.equal(plan({ ...born, local: true }, []).replace, undefined);
});

t.test('creation', async (t) => {
  t.match(planCreation(born, { version: 'v', staged: 'a' }), { add: [{ op: 'put', base: null, staged: 'a' }] });
  t.match(planCreation(bornFolder), { add: [{ op: 'mkdir' }] });
  t.match(planCreation({ ...born, kind: 'symlink' }, undefined, { replace: { node: 'r' } }), {
    add: [{ op: 'symlink', replace: 'r' }],
  });
});

t.test('a renamed new folder keeps its position unless a later intent moves something in its space', (t) => {
  const { intent } = unsent('mkdir');
  const later = (space: string): PendingIntent => unsent('move', { node: 'm', parent: 'o', name: 'h', space }).intent;
  t.equal(keepsTurn([intent], intent, to), true);
  t.equal(keepsTurn([intent, later('s')], intent, to), false);
  t.equal(keepsTurn([intent, later('other')], intent, to), true, 'spaces do not wait for each other');
  t.equal(keepsTurn([intent, later('s')], intent, { ...to, parent: intent.parent }), true, 'within its folder it does');
  t.end();
});
