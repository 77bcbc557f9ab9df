import t from 'tap';
import { openTestDrive, type TestDrive } from '../../../helpers/drive.ts';
import { addRemoteFile } from '../../../helpers/remote-entries.ts';
import { temporary } from '../../../helpers/temporary.ts';
import { background as context } from '../../../../src/vfs/context.ts';
import type { FileHandle } from '../../../../src/vfs/file-system.ts';
import type { StagedFile } from '../../../../src/cache/content/content.ts';
import type { Test } from 'tap';

t.setTimeout(500_000);

const rw = { read: true, write: true };
const place = { space: 'sync', parent: 'sync-root', name: 'f' };

t.test('an open and a close change nothing', async (t) => {
  const { rig, drive, parts } = await start(t);
  const { id } = await addRemoteFile(rig, place, 'content');
  const handle = await drive.open(id, rw, context);
  await read(handle);
  await handle.close();
  t.equal(parts.journal.size, 0);
  t.equal(parts.files.size, 0);
  t.same(await parts.staging.ids(), []);
});

t.test('the first write promises; the last close completes the promise', async (t) => {
  const { rig, drive, parts } = await start(t);
  const { id, remote } = await addRemoteFile(rig, place, 'content');
  const handle = await drive.open(id, rw, context);
  await handle.write(Buffer.from('C'), 0, context);
  t.match([...parts.journal.all()], [{ op: 'put', node: id, base: remote, writing: true }]);
  t.match(parts.catalog.get(id), { base: { version: remote }, remote: undefined, hash: undefined });
  await handle.write(Buffer.from('!'), 7, context);
  const live = await drive.getattr(id, context);
  t.equal(live.size, 8);
  await handle.close();
  const [put] = [...parts.journal.all()];
  t.notOk(put?.writing);
  const entry = parts.catalog.get(id);
  t.match(entry, { size: 8, version: live.version, staged: put?.staged });
  t.equal(put?.version, entry?.version, 'doors show the version id that the cloud will use');
  t.equal(await content(rig, id), 'Content!');
});

t.test('a read sees the writes that began before it, also one that waits for a new generation', async (t) => {
  const { rig, drive } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('one'), 0, context);
  await claim(rig, handle.node);
  const first = handle.write(Buffer.from('two'), 0, context);
  t.equal((await read(handle)).toString(), 'two', 'begun');
  await first;
  const second = [handle.truncate(0, context), handle.write(Buffer.from('three'), 0, context)];
  t.equal((await read(handle)).toString(), 'three', 'under way');
  await Promise.all(second);
  await handle.close();
});

t.test('a generation that is sent does not change; the next one follows', async (t) => {
  const { rig, drive, parts } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('one'), 0, context);
  const frozen = await claim(rig, handle.node);
  const [sent] = [...parts.journal.all()];
  t.match(sent, { staged: frozen.id, version: parts.catalog.get(handle.node)?.version });
  t.notOk(sent?.writing);
  await handle.write(Buffer.from('two'), 3, context);
  t.equal((await read(handle)).toString(), 'onetwo');
  const intents = [...parts.journal.all()];
  t.match(intents, [
    { seq: sent?.seq, base: null },
    { op: 'put', base: sent?.version },
  ]);
  t.equal(intents.length, 2);
  t.equal(await bytesOf(frozen), 'one', 'the upload sees one consistent generation');
  await handle.close();
  t.equal(await content(rig, handle.node), 'onetwo');
});

t.test('writes that are under way when it is sent are in the one or the other, whole', async (t) => {
  const { rig, drive, parts } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  const chunk = (i: number): Buffer => Buffer.alloc(400_000, 65 + i);
  const writes = [0, 1, 2].map((i) => Promise.resolve(handle.write(chunk(i), i * 400_000, context)));
  const freezing = claim(rig, handle.node);
  const later = [3, 4].map((i) => Promise.resolve(handle.write(chunk(i), i * 400_000, context)));
  const frozen = await freezing;
  const size = frozen.size;
  await Promise.all([...writes, ...later]);
  t.equal(frozen.size, size);
  t.ok(frozen.isSealed);
  const all = await read(handle);
  t.ok(all.equals(Buffer.concat([0, 1, 2, 3, 4].map(chunk))));
  await handle.close();
  t.match(parts.catalog.get(handle.node), { size: 2_000_000 });
});

t.test('what was sent but not answered for is not changed in place', async (t) => {
  const { rig, drive, parts } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('one'), 0, context);
  await handle.close();
  await claim(rig, handle.node);
  const [sent] = [...parts.journal.all()];
  await parts.writer.write(parts.journal.handOver([sent?.seq ?? 0]));
  parts.journal.release(sent?.seq ?? 0);
  await drive.setattr(handle.node, { size: 1 }, context);
  t.match([...parts.journal.all()], [{ id: sent?.id, version: sent?.version }, { base: sent?.version }]);
});

t.test('what was taken to be sent, but was not, goes on as if nothing had been', async (t) => {
  const { rig, drive, parts } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('one'), 0, context);
  await handle.close();
  await claim(rig, handle.node);
  const [before] = [...parts.journal.all()];
  parts.journal.release(before?.seq ?? 0);
  await drive.setattr(handle.node, { size: 1 }, context);
  const [after, ...others] = [...parts.journal.all()];
  t.match([after?.id, others.length], [before?.id, 0]);
  t.not(after?.staged, before?.staged, 'the sealed content is not changed');
  t.equal(await content(rig, handle.node), 'o');
});

t.test('a file that is removed while it is open leaves nothing behind', async (t) => {
  const { drive, parts } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('one'), 0, context);
  await drive.unlink('sync-root', 'f', context);
  await handle.write(Buffer.from('two'), 3, context);
  t.equal((await read(handle)).toString(), 'onetwo');
  t.equal(parts.journal.size, 0);
  await handle.close();
  await parts.writer.idle();
  t.equal(parts.journal.size, 0);
  t.equal(parts.catalog.get(handle.node), undefined);
  await until(async () => (await parts.staging.ids()).length === 0);
  t.equal(parts.activity.size, 0);
});

t.test('a handle follows the node when its content is replaced', async (t) => {
  const { rig, drive } = await start(t);
  const { id } = await addRemoteFile(rig, place, 'old content');
  const reader = await drive.open(id, { read: true, write: false }, context);
  const into = Buffer.alloc(4);
  await reader.read(into, 0, context);
  await replace(rig, 'NEW CONTENT, and more');
  const more = Buffer.alloc(100);
  t.equal(more.toString('utf8', 0, await reader.read(more, 11, context)), ', and more', 'as `tail -f` needs it');
  t.equal((await reader.attr(context)).size, 21);
  await reader.close();
});

t.test('a snapshot handle reads the old content to its end', async (t) => {
  const ways: Record<string, (rig: TestDrive) => Promise<unknown>> = {
    'a draft': (rig) => replace(rig, 'NEW'),
    'drafts, one after another': async (rig) => {
      for (const text of ['NEW', 'NEWER', 'NEWEST']) await replace(rig, text);
    },
    'a rename over it': async (rig) => {
      await replace(rig, 'NEW', 'g');
      await rig.drive.rename({ parent: 'sync-root', name: 'g' }, { parent: 'sync-root', name: 'f' }, {}, context);
    },
    'its removal': (rig) => rig.drive.unlink('sync-root', 'f', context),
    'its end': (rig) => rig.drive.setattr(rig.parts.catalog.child('sync-root', 'f')?.id ?? '', { size: 0 }, context),
  };
  for (const [way, act] of Object.entries(ways)) {
    for (const where of ['in the cloud', 'only here']) {
      await t.test(`${way}, of content that is ${where}`, async (t) => {
        const { rig, drive, parts } = await start(t);
        if (where === 'only here') await replace(rig, 'old content');
        else await addRemoteFile(rig, place, 'old content');
        const { id } = drive.lookup('sync-root', 'f', context);
        const snapshot = await drive.open(id, { read: true, write: false, snapshot: true }, context);
        // A staged file that is not in use is truncated in place, which changes the same bytes.
        if (way === 'its end' && where === 'only here') return await snapshot.close();
        const into = Buffer.alloc(4);
        await snapshot.read(into, 0, context);
        await act(rig);
        const rest = Buffer.alloc(100);
        t.equal(rest.toString('utf8', 0, await snapshot.read(rest, 4, context)), 'content');
        t.equal((await snapshot.attr(context)).size, 11);
        await snapshot.close();
        await snapshot.close();
        t.equal(parts.files.size, 0);
        await parts.writer.idle();
        const waiting = [...parts.journal.all()].flatMap(({ staged }) => staged ?? []);
        await until(async () => (await parts.staging.ids()).every((staged) => waiting.includes(staged)));
      });
    }
  }
});

t.test('a snapshot handle cannot write', async (t) => {
  const { rig, drive } = await start(t);
  const { id } = await addRemoteFile(rig, place, 'content');
  const snapshot = await drive.open(id, { read: true, write: false, snapshot: true }, context);
  const code = { code: 'EBADF' };
  await t.rejects(async () => await snapshot.write(Buffer.from('x'), 0, context), code);
  await t.rejects(async () => await snapshot.truncate(0, context), code);
  await snapshot.close();
  await t.rejects(async () => await snapshot.read(Buffer.alloc(1), 0, context), code);
  await t.rejects(async () => await snapshot.attr(context), code);
});

t.test('a writer that is open while the file is replaced writes into the new content', async (t) => {
  const { rig, drive, parts } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('aaaa'), 0, context);
  const draft = await drive.draft('sync-root', 'f', {}, context);
  await draft.append(Buffer.from('bbbb'), context);
  await draft.commit({}, context);
  await handle.write(Buffer.from('X'), 1, context);
  await handle.close();
  t.equal(await content(rig, handle.node), 'bXbb');
  t.equal(parts.journal.size, 1);
  await until(async () => (await parts.staging.ids()).length === 1);
});

t.test('after a conflict handles go on with the copy', async (t) => {
  const { rig, drive, parts } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('mine'), 0, context);
  const before = parts.catalog.get(handle.node);
  if (before === undefined) throw new Error('no entry');
  const copy = { ...before, id: 'copy', name: 'f (conflict)' };
  const [put] = [...parts.journal.all()];
  if (put === undefined) throw new Error('no intent');
  const ops = [...parts.catalog.remove(before), ...parts.catalog.put(copy)];
  await parts.writer.write([...ops, parts.journal.put({ ...put, node: 'copy', name: copy.name })]);
  parts.files.rebind(before.id, 'copy');
  await handle.write(Buffer.from('!'), 4, context);
  t.equal(handle.node, 'copy');
  await handle.close();
  t.equal(await content(rig, 'copy'), 'mine!');
  t.match([...parts.journal.all()], [{ node: 'copy', version: parts.catalog.get('copy')?.version }]);
});

t.test('a time that is set while a file is written is kept until the next write', async (t) => {
  const { drive } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('x'), 0, context);
  await drive.setattr(handle.node, { mtime: 1000 }, context);
  t.equal((await drive.getattr(handle.node, context)).mtime, 1000);
  await handle.close();
  t.equal((await drive.getattr(handle.node, context)).mtime, 1000, 'as `cp -p` and `tar` need it');
});

t.test('fsync makes an open file ready for its upload', async (t) => {
  const { drive, parts } = await start(t);
  const handle = await drive.create('sync-root', 'f', {}, rw, context);
  await handle.write(Buffer.from('x'), 0, context);
  t.ok((parts.activity.readyAt(handle.node, 0) ?? 0) > Date.now());
  await handle.sync(context);
  t.ok((parts.activity.readyAt(handle.node, 0) ?? Infinity) <= Date.now());
  t.notOk([...parts.journal.all()][0]?.writing);
  await handle.write(Buffer.from('y'), 1, context);
  t.ok((parts.activity.readyAt(handle.node, 0) ?? 0) > Date.now(), 'until the next write');
  t.ok([...parts.journal.all()][0]?.writing);
  await handle.close();
});

async function start(t: Test) {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  return { rig, drive: rig.drive, parts: rig.parts };
}

async function replace({ drive }: TestDrive, content: string, name = 'f'): Promise<void> {
  const draft = await drive.draft('sync-root', name, {}, context);
  await draft.append(Buffer.from(content), context);
  await draft.commit({}, context);
}

/** As the uploader does it. */
async function claim({ parts }: TestDrive, node: string): Promise<StagedFile> {
  const put = parts.journal.of(node).find(({ op }) => op === 'put');
  parts.journal.claim(put?.seq ?? 0);
  const staged = await parts.files.freeze(node);
  if (staged === undefined) throw new Error('nothing is staged');
  return staged;
}

async function read(handle: FileHandle): Promise<Buffer> {
  const into = Buffer.alloc(4_000_000);
  return into.subarray(0, await handle.read(into, 0, context));
}

async function content({ drive }: TestDrive, node: string): Promise<string> {
  const handle = await drive.open(node, { read: true, write: false }, context);
  const data = await read(handle);
  await handle.close();
  return data.toString();
}

async function bytesOf(file: StagedFile): Promise<string> {
  const into = Buffer.alloc(file.size);
  await file.read(into, 0, context);
  return into.toString();
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds());) {
    if (Date.now() > end) throw new Error('it does not come true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
