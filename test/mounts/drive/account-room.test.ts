import t, { type Test } from 'tap';
import { BLOCK_SIZE, MAX_SIZE } from '../../../src/vfs/block.ts';
import { background as context } from '../../../src/vfs/context.ts';
import type { FileHandle } from '../../../src/vfs/file-system.ts';
import type { Drive } from '../../../src/mounts/drive/drive.ts';
import { openTestDrive } from '../../helpers/drive.ts';
import { temporary } from '../../helpers/temporary.ts';

const SYNC = 'sync-root';
const TIB = 2 ** 40;

async function start(t: Test, quota: number): Promise<Drive> {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  rig.drive.setQuota({ quota, used: 0, files: 0 });
  return rig.drive;
}

function create(drive: Drive, name: string): Promise<FileHandle> {
  return drive.create(SYNC, name, {}, { read: true, write: true }, context);
}

/** Turns a synchronous throw into a rejection. */
async function call<T>(work: () => T | Promise<T>): Promise<T> {
  return await work();
}

t.test('a file cannot grow beyond the quota, nor beyond the limit of the cloud', async (t) => {
  const drive = await start(t, TIB);
  const file = await create(drive, 'img');
  await file.truncate(TIB / 2, context);
  await t.rejects(
    call(() => file.truncate(TIB + 1, context)),
    { code: 'EDQUOT' },
  );
  await t.rejects(drive.setattr(file.node, { size: TIB + 1 }, context), { code: 'EDQUOT' });
  await t.rejects(
    call(() => file.write(Buffer.from('x'), TIB * 2, context)),
    { code: 'EDQUOT' },
  );
  await t.rejects(
    call(() => file.truncate(MAX_SIZE + 1, context)),
    { code: 'EFBIG' },
  );
  await t.rejects(
    call(() => file.write(Buffer.from('x'), MAX_SIZE, context)),
    { code: 'EFBIG' },
  );
  const attr = await file.attr(context);
  t.equal(attr.size, TIB / 2, 'and is unchanged');
  await file.close();
  const { used } = await drive.statfs('root', context);
  t.ok(used < BLOCK_SIZE, `${used} bytes are used: holes take no space`);
});

t.test('bytes beyond the quota are refused when they are written', async (t) => {
  const drive = await start(t, 3 * BLOCK_SIZE);
  const file = await create(drive, 'f');
  const block = Buffer.alloc(BLOCK_SIZE, 'x');
  for (let index = 0; index < 3; index++) await file.write(block, index * BLOCK_SIZE, context);
  await t.rejects(
    call(() => file.write(block, 3 * BLOCK_SIZE, context)),
    { code: 'EDQUOT' },
  );
  await file.truncate(BLOCK_SIZE, context);
  await file.close();
  const draft = drive.draft(SYNC, 'g', {}, context);
  await draft.append(block, context);
  await t.rejects(
    call(async () => {
      for (;;) await draft.append(block, context);
    }),
    { code: 'EDQUOT' },
  );
  await draft.discard();
  drive.setQuota({ quota: 9 * BLOCK_SIZE, used: 0, files: 0 });
  const more = await create(drive, 'h');
  await more.write(block, 0, context);
  await more.close();
});

t.test('a refused change leaves no trace', async (t) => {
  const drive = await start(t, 10);
  const file = await create(drive, 'f');
  await file.write(Buffer.from('12345'), 0, context);
  await file.close();
  const before = await drive.getattr(file.node, context);
  await t.rejects(drive.setattr(file.node, { size: 100 }, context), { code: 'EDQUOT' });
  t.same(await drive.getattr(file.node, context), before);
});

t.test('passthrough is not used for writing when there is little space', async (t) => {
  const drive = await start(t, 1e9);
  const file = await create(drive, 'f');
  t.equal(await file.backing?.(context), undefined);
  drive.setQuota({ quota: TIB, used: 0, files: 0 });
  t.not(await file.backing?.(context), undefined);
  await file.close();
});
