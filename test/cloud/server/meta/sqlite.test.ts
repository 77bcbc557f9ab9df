import { join } from 'node:path';
import t from 'tap';
import { MetaStore } from '../../../../src/cloud/server/meta/meta-store.ts';
import { sqliteDialect, sqliteTypes } from '../../../../src/cloud/server/meta/sqlite.ts';
import { metaStoreContract } from '../../../contract/meta-store.ts';
import { newFilesContract } from '../../../contract/new-files.ts';
import { temporary } from '../../../helpers/temporary.ts';

t.setTimeout(500_000);

for (const contract of [metaStoreContract, newFilesContract]) {
  contract(t, async (t, options) => {
    const dialect = sqliteDialect(join(temporary(t), 'meta.db'));
    return await MetaStore.open({ dialect, types: sqliteTypes, ...options });
  });
}
