import t from 'tap';
import { contentStoreContract } from '../../contract/content-store.ts';
import { openCacheDisk } from '../../helpers/cache-disk.ts';
import { temporary } from '../../helpers/temporary.ts';

contentStoreContract(t, async (t, source) => {
  const disk = await openCacheDisk(temporary(t), source);
  t.teardown(() => disk.close());
  return disk.store;
});
