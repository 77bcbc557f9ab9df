import { randomBytes } from 'node:crypto';
import { fstatSync, readSync, writeSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { PendingIntent } from '../../../../src/cache/tree/journal.ts';
import { background as context } from '../../../../src/vfs/context.ts';
import type { Backing, FileHandle } from '../../../../src/vfs/file-system.ts';
import { openTestDrive, type TestDrive } from '../../../helpers/drive.ts';
import { temporary } from '../../../helpers/temporary.ts';

const writeOnly = { read: false, write: true };
const readOnly = { read: true, write: false };
const IDLE = 30_000;

async function borrowed(handle: FileHandle): Promise<Backing> {
  const backing = await handle.backing?.(context);
  if (backing === undefined) throw new Error('nothing was lent');
  return backing;
}

async function rigOf(t: Test, now: () => number = Date.now): Promise<TestDrive> {
  const rig = await openTestDrive(temporary(t), { now });
  t.teardown(() => rig.close());
  return rig;
}

function putOf({ parts: { journal } }: TestDrive, node: string): PendingIntent | undefined {
  return journal.of(node).find(({ op }) => op === 'put');
}

/** A file whose content the cloud has, and the store as a whole. */
async function uploaded({ drive, parts, source }: TestDrive, name: string, bytes: Buffer): Promise<string> {
  const handle = await drive.create('sync-root', name, {}, writeOnly, context);
  await handle.write(bytes, 0, context);
  await handle.close();
  const { journal, catalog, staging, files, writer } = parts;
  const [put] = journal.of(handle.node);
  if (put?.version === undefined) throw new Error('no put');
  journal.claim(put.seq);
  const file = await files.freeze(handle.node);
  if (file === undefined) throw new Error('no content');
  const { hash, size } = await file.manifest(context);
  const version = journal.get(put.seq)?.version ?? '';
  source.add(version, bytes);
  const entry = catalog.get(handle.node);
  if (entry === undefined) throw new Error('no entry');
  const { base: _base, staged: _staged, ...rest } = entry;
  await writer.write([journal.remove(put.seq), catalog.update({ ...rest, hash, remote: version, rev: 1 })]);
  await staging.adopt(file, { hash, size, version }, []);
  return handle.node;
}

t.test('bytes written to a backing file are the content of the file', async (t) => {
  const rig = await rigOf(t);
  const { drive } = rig;
  const handle = await drive.create('sync-root', 'f', {}, writeOnly, context);
  const before = await handle.attr(context);
  const { fd } = await borrowed(handle);
  t.strictSame(await handle.attr(context), before, 'opening a backing file changes nothing');
  writeSync(fd, 'hello');
  const written = await drive.lookup('sync-root', 'f', context);
  t.equal(written.size, 5);
  t.not(written.version, before.version);
  const { mtimeMs } = fstatSync(fd);
  t.ok(Math.abs(written.mtime - mtimeMs) < 0.01);
  await drive.setattr(handle.node, { mtime: 1_500_000_000_123 }, context);
  t.equal((await handle.attr(context)).mtime, 1_500_000_000_123);
  await handle.sync(context);
  writeSync(fd, ' world');
  t.ok((await handle.attr(context)).mtime > 1_600_000_000_000, 'a later write has its own time');
  await drive.setattr(handle.node, { mtime: 1_500_000_000_123 }, context);
  t.equal(putOf(rig, handle.node)?.writing, true);
  await handle.close();
  const { size, mtime, version } = await drive.lookup('sync-root', 'f', context);
  t.match({ size, mtime }, { size: 11, mtime: 1_500_000_000_123 });
  t.match(putOf(rig, handle.node), { version, writing: undefined });
});

t.test('a backing file is uploaded as a copy when it is idle, and again after further writes', async (t) => {
  let time = 1_700_000_000_000;
  const rig = await rigOf(t, () => time);
  const { drive, parts } = rig;
  const { journal, files, activity, catalog } = parts;
  const handle = await drive.create('sync-root', 'f', {}, writeOnly, context);
  const { node } = handle;
  const { fd } = await borrowed(handle);
  writeSync(fd, 'first');
  await handle.sync(context);
  t.equal(activity.readyAt(node, 0), time + IDLE, 'also after an fsync, as a copy for each would cost too much');
  time += IDLE;
  const put = putOf(rig, node);
  journal.claim(put?.seq ?? 0);
  const sent = await files.freeze(node);
  const into = Buffer.alloc(10);
  t.equal(await sent?.read(into, 0, context), 5);
  t.not(catalog.get(node)?.staged, sent?.id, 'the file is still in use');
  t.equal(activity.readyAt(node, 0), undefined, 'nothing is left to upload');
  writeSync(fd, ' and more');
  t.equal((await handle.attr(context)).size, 14);
  t.equal(activity.readyAt(node, 0), time + IDLE);
  t.equal(await sent?.read(into, 0, context), 5, 'the content that is being uploaded does not change');
  await handle.close();
  t.equal(activity.readyAt(node, 0), 0);
  t.strictSame(
    journal.of(node).map(({ staged }) => staged),
    [sent?.id, catalog.get(node)?.staged],
  );
});

t.test('a cached file that readers use as a backing file is changed in place', async (t) => {
  const rig = await rigOf(t);
  const bytes = randomBytes(3_000_000);
  const node = await uploaded(rig, 'f', bytes);
  const reader = await rig.drive.open(node, readOnly, context);
  const lent = await borrowed(reader);
  const into = Buffer.alloc(4);
  readSync(lent.fd, into, 0, 4, 1_000_000);
  t.strictSame(into, bytes.subarray(1_000_000, 1_000_004));
  const before = await reader.attr(context);
  const writer = await rig.drive.open(node, writeOnly, context);
  t.equal((await borrowed(writer)).key, lent.key);
  const { size, mtime } = await reader.attr(context);
  t.strictSame({ size, mtime }, { size: before.size, mtime: before.mtime }, 'nothing was written yet');
  await writer.write(Buffer.from('here'), 1_000_000, context);
  readSync(lent.fd, into, 0, 4, 1_000_000);
  t.equal(into.toString(), 'here');
  await writer.close();
  const emptied = await rig.drive.open(node, { ...writeOnly, truncate: true }, context);
  t.equal(fstatSync(lent.fd).size, 0);
  await emptied.close();
  await reader.close();
});

t.test('a file that is about to be uploaded, or is not complete here, gets no backing file for readers', async (t) => {
  const rig = await rigOf(t);
  const { drive, parts } = rig;
  const handle = await drive.create('sync-root', 'f', {}, { read: true, write: true }, context);
  await handle.write(Buffer.from('bytes'), 0, context);
  const reader = await drive.open(handle.node, readOnly, context);
  t.equal(await reader.backing?.(context), undefined);
  await handle.close();
  t.equal(await reader.backing?.(context), undefined);
  await reader.close();
  const node = await uploaded(rig, 'g', randomBytes(2_000_000));
  await parts.store.drop(parts.catalog.get(node)?.hash ?? '');
  const other = await drive.open(node, readOnly, context);
  t.equal(await other.backing?.(context), undefined);
  await other.close();
});
