import t from 'tap';
import { children } from '../../src/vfs/walk.ts';
import { background as context } from '../../src/vfs/context.ts';
import { openPair, type TestDevice } from '../helpers/devices.ts';

const UPLOADED = 'the same, with the new content uploaded before';

/** How programs put a new file in the place of an old one without a rename over it. */
const SAVES: Readonly<Record<string, (device: TestDevice, content: string) => Promise<void>>> = {
  'rename away, then write (vim with backupcopy=no, emacs)': async (device, content) => {
    await device.rename('/Sync/f', '/Sync/f~');
    await device.write('/Sync/f', content);
  },
  'rename away, then write, then remove the backup (vim without backup)': async (device, content) => {
    await device.rename('/Sync/f', '/Sync/f~');
    await device.write('/Sync/f', content);
    await device.unlink('/Sync/f~');
  },
  'remove, then write (git checkout)': async (device, content) => {
    await device.unlink('/Sync/f');
    await device.write('/Sync/f', content);
  },
  'write aside, rename away, rename into place, remove (Word)': async (device, content) => {
    await device.write('/Sync/new.tmp', content);
    await device.rename('/Sync/f', '/Sync/old.tmp');
    await device.rename('/Sync/new.tmp', '/Sync/f');
    await device.unlink('/Sync/old.tmp');
  },
  [UPLOADED]: async (device, content) => {
    await device.write('/Sync/new.tmp', content);
    await device.gateway.flush();
    await device.rename('/Sync/f', '/Sync/old.tmp');
    await device.rename('/Sync/new.tmp', '/Sync/f');
    await device.unlink('/Sync/old.tmp');
  },
};

for (const [name, save] of Object.entries(SAVES)) {
  t.test(`a name keeps its history: ${name}`, async (t) => {
    const { a, b } = await openPair(t);
    await a.write('/Sync/f', 'one');
    await a.sync();
    await a.write('/Sync/f', 'two');
    await a.sync();
    await save(a, 'three');
    await a.sync();
    t.same(await history(a, 'f'), ['one', 'two', 'three']);
    await b.sync();
    t.equal(await b.read('/Sync/f'), 'three');
    t.same(await history(b, 'f'), ['one', 'two', 'three'], 'also on another computer');
    await save(a, 'four');
    await a.sync();
    t.same(await history(a, 'f'), ['one', 'two', 'three', 'four'], 'save by save');
  });

  if (name !== UPLOADED)
    t.test(`offline, what the cloud had is left: ${name}`, async (t) => {
      const { a, netA } = await openPair(t);
      await a.write('/Sync/f', 'one');
      await a.sync();
      netA.offline = true;
      for (const content of ['two', 'three', 'four']) await save(a, content);
      netA.offline = false;
      await a.sync();
      t.ok((await history(a, 'f')).includes('one'));
    });
}

t.test('a name that was free for long, and one that is taken by a file with a history, begin anew', async (t) => {
  let now = Date.now();
  const { a } = await openPair(t, { now: () => now });
  await a.write('/Sync/f', 'one');
  await a.write('/Sync/g', 'gee');
  await a.sync();
  await a.write('/Sync/g', 'gee two');
  await a.sync();
  await a.unlink('/Sync/f');
  await a.rename('/Sync/g', '/Sync/f');
  await a.sync();
  t.same(await history(a, 'f'), ['gee', 'gee two'], 'a file that is moved there has its own');
  await a.unlink('/Sync/f');
  now += 16_000;
  await a.write('/Sync/f', 'new');
  await a.sync();
  t.same(await history(a, 'f'), ['new']);
});

t.test('the backup keeps its own', async (t) => {
  const { a, b } = await openPair(t);
  await a.write('/Sync/f', 'one');
  await a.sync();
  await a.write('/Sync/f', 'two');
  await a.sync();
  await a.rename('/Sync/f', '/Sync/f~');
  await a.write('/Sync/f', 'three');
  await a.sync();
  t.equal(await a.read('/Sync/f~'), 'two');
  t.same(await history(a, 'f~'), ['one', 'two']);
  await a.rename('/Sync/f~', '/Sync/f');
  await a.sync();
  t.equal(await a.read('/Sync/f'), 'two');
  await b.sync();
  t.same((await history(b, 'f')).toSorted(), ['one', 'three', 'two'], 'each content once');
});

/** The contents of the versions of a file, oldest first. */
async function history(device: TestDevice, name: string): Promise<string[]> {
  const { id } = await device.stat(`/Sync/.versions/${name}`);
  const found: string[] = [];
  for await (const { name: version } of children(device.fs, id, context)) {
    found.push(await device.read(`/Sync/.versions/${name}/${version}`));
  }
  return found;
}
