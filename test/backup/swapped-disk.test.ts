import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { contentOf, openSet } from '../helpers/backup-set.ts';
import { LoopDisks, withoutLoopDisks } from '../helpers/loop-disks.ts';

t.setTimeout(200_000);
const skip = withoutLoopDisks();

const FEED = /\/feed\?/;
const INTENTS = /\/v1\/intents$/;

/** A set of the folder `docs` of a disk, and what is done to the disk at one request of a kind. */
async function openDisk(t: Test) {
  const disks = new LoopDisks(t);
  const [mine, other] = [disks.make('mine'), disks.make('other')];
  const docs = join(disks.point, 'docs');
  const fill = (files: Record<string, string>): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(docs, path, '..'), { recursive: true });
      writeFileSync(join(docs, path), text);
    }
  };
  disks.mount(other);
  fill({ foreign: 'of another disk', 'a/0': 'of another disk, too' });
  disks.unmount();
  disks.mount(mine);
  const names = Array.from({ length: 60 }, (_, i) => `${'abc'[i % 3] ?? ''}/${i}`);
  fill(Object.fromEntries(names.map((name) => [name, `this is ${name}`])));
  const set = await openSet(t, docs);
  const once = (kind: RegExp, act: () => void, nth = 1): void => {
    let left = nth;
    const { before } = set.proxy;
    set.proxy.before = async (request) => {
      await before(request);
      if (kind.test(request.path) && (left -= 1) === 0) act();
    };
  };
  const texts = async (): Promise<Record<string, string>> => {
    const files = [...(await set.mirror())].filter(([, { kind }]) => kind === 'file');
    const all = files.map(async ([path, node]) => [path, (await contentOf(set.remote, node)).toString()] as const);
    return Object.fromEntries(await Promise.all(all));
  };
  t.match(await set.run(), { paused: undefined, problems: { length: 0 } });
  return { ...set, disks, mine, other, docs, fill, once, texts };
}

t.test('a disk that is replaced by another during a run', { skip }, async (t) => {
  const { disks, mine, other, docs, once, run, texts } = await openDisk(t);
  const before = await texts();
  for (const name of ['a/3', 'b/4', 'c/5']) rmSync(join(docs, name));
  appendFileSync(join(docs, 'a/6'), ', and more');
  once(FEED, () => {
    disks.unmount();
    disks.mount(other);
  });
  t.match(await run(), { paused: { kind: 'other-volume', reason: /another disk/ }, removed: 0, changed: 1 });
  t.same(await texts(), { ...before, 'a/6': 'this is a/6, and more' }, 'nothing foreign, nothing removed');
  t.match(await run(), { paused: { kind: 'other-volume' }, removed: 0, changed: 0 });
  disks.eject();
  disks.mount(mine);
  t.match(await run(), { paused: undefined, removed: 3, added: 0 });
  disks.eject();
});

t.test('a disk that is away for a moment of a run', { skip }, async (t) => {
  const { disks, mine, docs, fill, once, run, texts } = await openDisk(t);
  disks.unmount();
  fill({ 'written below': 'the mount point' });
  disks.mount(mine);
  const before = await texts();
  appendFileSync(join(docs, 'a/6'), ', and more');
  once(FEED, () => disks.unmount());
  once(INTENTS, () => disks.mount(mine));
  t.match(await run(), { removed: 0 });
  t.same(await texts(), { ...before, 'a/6': 'this is a/6, and more' });
  t.match(await run(), { paused: undefined, added: 0, changed: 0, removed: 0 });
});

t.test('a disk that is unmounted while files are removed from the mirror', { skip }, async (t) => {
  const { disks, mine, docs, once, run, mirror } = await openDisk(t);
  for (let i = 0; i < 4; i++) {
    mkdirSync(join(docs, `many ${i}`));
    for (let j = 0; j < 500; j++) writeFileSync(join(docs, `many ${i}/${j}`), '');
  }
  await run();
  for (let i = 0; i < 2000; i++) rmSync(join(docs, `many ${i % 4}/${Math.floor(i / 4)}`));
  // The first changes the times of the folders.
  once(INTENTS, () => disks.unmount(), 2);
  const { paused, removed } = await run({ confirm: true });
  t.match(paused, { kind: 'vanished', reason: /is its disk mounted/ });
  t.ok(removed > 0 && removed < 2000, `${removed} were removed before`);
  disks.mount(mine);
  t.match(await run({ confirm: true }), { paused: undefined, removed: 2000 - removed });
  t.equal((await mirror()).size, 60 + 3 + 4);
});
