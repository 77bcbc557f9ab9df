import t, { type Test } from 'tap';
import { type StagingSetUp, stagingContract } from '../../contract/staging.ts';
import { openCacheDisk } from '../../helpers/cache-disk.ts';
import type { MemorySource } from '../../helpers/memory-source.ts';
import { temporary } from '../../helpers/temporary.ts';

async function open(t: Test, dir: string, source: MemorySource): Promise<StagingSetUp> {
  const { staging, store, close } = await openCacheDisk(dir, source);
  let closed: Promise<void> | undefined;
  const closeOnce = (): Promise<void> => (closed ??= close());
  t.teardown(closeOnce);
  const reopen = async (): Promise<StagingSetUp> => {
    await closeOnce();
    return open(t, dir, source);
  };
  return { staging, store, reopen };
}

stagingContract(t, (t, source) => open(t, temporary(t), source));
