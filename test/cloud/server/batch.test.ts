import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { v7 as newId } from 'uuid';
import t from 'tap';
import type { Intent, IntentResult, SpaceRecord } from '../../../src/cloud/records.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import { contentOf, mkdir, noise, put, remove, symlink } from '../../helpers/intents.ts';

t.setTimeout(500_000);

/** The steps, with numbers that stand for the ids, names and contents of a run. */
type Step = readonly [op: 'put' | 'next' | 'mkdir' | 'move' | 'remove', ...numbers: number[]];

const small = fc.nat({ max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('put' as const), small, small, small, small, small, small) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('next' as const), small, small, small, small) },
  fc.tuple(fc.constant('mkdir' as const), small, small, small),
  fc.tuple(fc.constant('move' as const), small, small, small, small, small, small),
  fc.tuple(fc.constant('remove' as const), small, small),
);

/** A few steps of each kind that succeed, as random steps may not include them. */
const ALL_DONE: Step[] = [
  ['put', 0, 0, 0, 0, 0, 1],
  ['next', 0, 0, 1, 1],
  ['mkdir', 1, 0, 1],
  ['move', 1, 0, 2, 0, 1, 0],
  ['remove', 0, 1],
];

const stored = [noise(10), noise(5000)];
const contents = [...stored, noise(20)].map((bytes) => contentOf(bytes).wire);

class Run {
  readonly #nodes = Array.from({ length: 4 }, () => newId());
  readonly #versions = Array.from({ length: 4 }, () => newId());
  readonly #folder = mkdir({ space: '', parent: '', name: newId() });

  /** The same intents for any cloud. */
  intents(steps: readonly Step[]): (space: SpaceRecord) => Intent[] {
    const ids = steps.map(() => newId());
    return ({ id: space, root }) => [
      { ...this.#folder, space, parent: root },
      ...steps.map((step, i) => ({ ...this.#intent(space, step), id: ids[i] ?? '' })),
    ];
  }

  #intent(space: string, [op, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: Step): Intent {
    const node = this.#nodes[a] ?? '';
    const place = { space, parent: this.#parent(b), name: this.#name(c) };
    const version = this.#versions[d] ?? '';
    if (op === 'put') {
      const content = contents[e] ?? { from: this.#versions[f] ?? '' };
      const replace = f === 0 ? { replace: this.#nodes[e] ?? '' } : {};
      return put(place, content, { node, version, ...replace });
    }
    if (op === 'next')
      return put({ ...place, name: 'x' }, contents[c % 2] as never, { node, version, base: this.#versions[b] ?? '' });
    if (op === 'mkdir') return mkdir(place, { node });
    if (op === 'remove') return remove(space, node, this.#versions[b] ?? '', 1_000_000);
    const from = { parent: this.#parent(d), name: this.#name(e) };
    const replace = f === 0 ? {} : { replace: this.#nodes[f] ?? '' };
    return { op: 'move', id: '', ...place, node, from, ...replace };
  }

  #parent(number: number): string {
    return number < 3 ? this.#folder.node : (this.#nodes[0] ?? '');
  }

  #name(number: number): string {
    return ['a', 'b', 'c', 'c'][number] ?? '';
  }
}

function summary(result: IntentResult): unknown {
  if (result.status === 'refused') return [result.code, result.current?.id];
  const { id, name, kind, size, version, hash, removed } = result.node;
  return [id, name, kind, size, version, hash, removed];
}

t.test('intents have the same outcomes in one batch as one by one', async (t) => {
  const [one, many] = await Promise.all(
    [0, 1].map(async () => {
      // Which versions are kept depends on when they were made.
      const { url, login } = await startTestCloud(t, { now: () => 1_800_000_000_000 });
      const api = new Api(url, await login());
      for (const bytes of stored) await api.upload(bytes);
      return api;
    }),
  );
  if (one === undefined || many === undefined) throw new Error('two clouds');
  const done = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps: readonly Step[]) => {
      const intents = new Run().intents(steps);
      const expected: IntentResult[] = [];
      for (const intent of intents(await one.space('sync'))) expected.push(...(await one.commit(intent)));
      const results = await many.commit(...intents(await many.space('sync')));
      t.same(results.map(summary), expected.map(summary));
      for (const [i, { status }] of results.entries()) done.add(`${steps[i - 1]?.[0] ?? 'mkdir'} ${status}`);
      const [a, b] = await Promise.all([one, many].map(async (api) => (await api.call('GET', '/v1/usage')).body));
      t.same(b, a, 'what the account uses');
      t.equal((await many.space('sync')).rev, (await one.space('sync')).rev);
      if (!t.passing()) throw new Error('another outcome');
    }),
    { numRuns: 40, examples: [[ALL_DONE]] },
  );
  for (const op of ['put', 'next', 'mkdir', 'move', 'remove']) t.ok(done.has(`${op} done`), `${op} has succeeded`);
});

t.test('a batch that is sent again has the results of the first time, whatever became of the nodes', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const bytes = noise(BLOCK_SIZE + 20);
  await api.upload(bytes.subarray(0, BLOCK_SIZE));
  await api.upload(bytes.subarray(BLOCK_SIZE));
  const at = (name: string, parent = sync.root) => ({ space: sync.id, parent, name });
  const content = contentOf(bytes).wire;
  const more = { xattrs: { 'user.a': 'YQ==' }, posix: { v: 1, uid: 7, mtimeNs: '1700000000123456789' } };
  const folder = mkdir(at('folder'), more);
  const first = put(at('first', folder.node), content, more);
  const empty = put(at('empty'), { size: 0, blocks: '' }, { xattrs: {} });
  const ids = { node: first.node, base: first.version };
  const intents: Intent[] = [
    folder,
    first,
    empty,
    put(at('copy'), { from: first.version }),
    put(at('replacing'), content, { replace: empty.node }),
    put(at('first', folder.node), { size: 0, blocks: '' }, ids),
    symlink(at('link'), 'földer/first'),
    put(at('later'), content, { predecessor: first.node }),
    ...Array.from({ length: 12 }, (_, i) => mkdir(at(`folder ${i}`))),
  ];
  for (const batch of [intents, intents.map((intent) => ({ ...intent, id: randomUUID(), node: newId() }))]) {
    const results = await api.commit(...batch);
    await api.commit(...batch.map(({ node }, i) => remove(sync.id, node, null, 1_000_000 + i)));
    const { rev } = await api.space('sync');
    t.same(await api.commit(...batch), results);
    t.equal((await api.space('sync')).rev, rev, 'nothing was executed again');
    t.ok(results.filter(({ status }) => status === 'done').length > 12);
  }
  const [other] = await api.commit({ ...remove(sync.id, folder.node, null, 0), id: folder.id });
  t.match(other, { id: folder.id, status: 'refused', code: 'bad_request' }, 'an id is not given twice');
});
