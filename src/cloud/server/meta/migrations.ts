import { Migrator, sql, type Migration } from 'kysely';
import { LAST_TIME } from '../../../vfs/node.ts';
import { MANY, type Db } from './schema.ts';
import { newStamp } from './stamps.ts';

/** Column types that differ between the databases. */
export interface ColumnTypes {
  /** Column type of binary data. */
  readonly bytes: 'blob' | 'bytea';
}

/** Migrates the tables to this program's schema. @throws Error if the data was written by a newer program */
export async function migrate(db: Db, types: ColumnTypes): Promise<void> {
  const migrations: Record<string, Migration> = {
    '0001-start': { up: (schema) => start(schema, types) },
    '0002-thinning': { up: makeThinning },
    '0003-stamps': { up: addStamps },
    '0004-posix': { up: addPosix },
    '0005-generations': { up: dropGenerationIndex },
    '0006-shares': { up: addShares },
    '0007-places': { up: addPlaces },
    '0008-others': { up: addOthers },
    '0009-links': { up: addLinks },
    '0010-batches': { up: addBatches },
    '0011-second-factors': { up: addSecondFactors },
    '0012-places-of-spaces': { up: addSpaceToPlaces },
    '0013-arrivals': { up: (schema) => addArrivals(schema, types) },
    '0014-ranks': { up: orderRanks },
  };
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => migrations },
    // Two migrations may have been developed in parallel.
    allowUnorderedMigrations: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error instanceof Error ? error : new Error('migration failed', { cause: error });
}

type Schema = Parameters<Migration['up']>[0];

async function start(db: Schema, types: ColumnTypes): Promise<void> {
  await makeAccounts(db);
  await makeSpaces(db);
  await makeNodes(db);
  await makeVersions(db, types);
  await makeIntents(db);
  await makeBlocks(db);
}

/** Adds stamps of revisions, and limits times to the range that the wire now accepts. */
async function addStamps(db: Schema): Promise<void> {
  await db.schema
    .createTable('stamps')
    .addColumn('space', 'text', (column) => column.notNull())
    .addColumn('rev', 'bigint', (column) => column.notNull())
    .addColumn('stamp', 'text', (column) => column.notNull())
    .addColumn('created', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('stamps_key', ['space', 'rev'])
    .execute();
  await db.schema.createIndex('stamps_created').on('stamps').column('created').execute();
  const spaces = (await sql<{ id: string; rev: number }>`select id, rev from spaces where rev > 0`.execute(db)).rows;
  for (const { id, rev } of spaces) {
    await sql`insert into stamps (space, rev, stamp, created) values (${id}, ${rev}, ${newStamp()}, ${Date.now()})`.execute(
      db,
    );
  }
  for (const [table, column] of TIMES) {
    const [time, rows] = [sql.ref(column), sql.table(table)];
    await sql`update ${rows} set ${time} = ${LAST_TIME} where ${time} > ${LAST_TIME}`.execute(db);
    await sql`update ${rows} set ${time} = ${-LAST_TIME} where ${time} < ${-LAST_TIME}`.execute(db);
  }
}

async function addPosix(db: Schema): Promise<void> {
  await db.schema.alterTable('nodes').addColumn('posix', 'text').execute();
  await db.schema.alterTable('spaces').addColumn('attributes', 'text').execute();
}

async function addPlaces(db: Schema): Promise<void> {
  await db.schema
    .createTable('places')
    .addColumn('node', 'text', (column) => column.notNull())
    .addColumn('parent', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('until', 'double precision', (column) => column.notNull())
    .addColumn('rev', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('places_key', ['node', 'rev'])
    .execute();
}

/** Versions that came from another space had higher ranks than newer ones. */
async function orderRanks(db: Schema): Promise<void> {
  const wrong = sql`select versions.node from versions join nodes on nodes.id = versions.node where versions.rank > nodes.rev`;
  const isLater = sql`other.since > versions.since or (other.since = versions.since and other.id > versions.id)`;
  const later = sql`select count(*) from versions as other where other.node = versions.node and (${isLater})`;
  await sql`update versions set rank = -(${later}) where node in (${wrong})`.execute(db);
}

/** Revisions of two spaces may be equal: a node that moves between them must not be refused for that. */
async function addSpaceToPlaces(db: Schema): Promise<void> {
  await db.schema
    .createTable('places_of_spaces')
    .addColumn('node', 'text', (column) => column.notNull())
    .addColumn('space', 'text', (column) => column.notNull())
    .addColumn('parent', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('until', 'double precision', (column) => column.notNull())
    .addColumn('rev', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('places_of_spaces_key', ['node', 'space', 'rev'])
    .execute();
  await sql`insert into places_of_spaces select node, '', parent, name, until, rev from places`.execute(db);
  await db.schema.dropTable('places').execute();
  await db.schema.alterTable('places_of_spaces').renameTo('places').execute();
}

async function addOthers(db: Schema): Promise<void> {
  const alter = db.schema.alterTable('nodes');
  await alter.addColumn('others', 'bigint', (column) => column.notNull().defaultTo(0)).execute();
}

async function addLinks(db: Schema): Promise<void> {
  await db.schema
    .createTable('links')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('account', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('node', 'text', (column) => column.notNull())
    .addColumn('upload', 'integer', (column) => column.notNull())
    .addColumn('password', 'text')
    .addColumn('created', 'double precision', (column) => column.notNull())
    .addColumn('expires', 'double precision')
    .execute();
  await db.schema.createIndex('links_account').on('links').column('account').execute();
  await db.schema.createIndex('links_node').on('links').column('node').execute();
}

/** Two batches can have the same range only if they have an intent in common, which is executed once. */
async function addBatches(db: Schema): Promise<void> {
  await db.schema
    .createTable('batches')
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('first', 'text', (column) => column.notNull())
    .addColumn('last', 'text', (column) => column.notNull())
    .addColumn('results', 'text', (column) => column.notNull())
    .addColumn('created', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('batches_key', ['device', 'last', 'first'])
    .execute();
  await db.schema.createIndex('batches_created').on('batches').column('created').execute();
}

async function addSecondFactors(db: Schema): Promise<void> {
  await db.schema
    .createTable('second_factors')
    .addColumn('account', 'text', (column) => column.primaryKey().references('accounts.id'))
    .addColumn('secret', 'text', (column) => column.notNull())
    .addColumn('confirmed', 'double precision')
    .addColumn('used', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('recovery_codes')
    .addColumn('account', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('hash', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('recovery_codes_key', ['account', 'hash'])
    .execute();
}

async function addArrivals(db: Schema, types: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('arrivals')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account', 'text', (column) => column.notNull())
    .addColumn('blocks', types.bytes, (column) => column.notNull())
    .execute();
}

const TIMES = [
  ['nodes', 'mtime'],
  ['nodes', 'birthtime'],
  ['versions', 'mtime'],
] as const;

async function makeAccounts(db: Schema): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('email', 'text', (column) => column.notNull().unique())
    .addColumn('password', 'text', (column) => column.notNull())
    .addColumn('quota', 'bigint', (column) => column.notNull())
    .addColumn('used', 'bigint', (column) => column.notNull())
    .addColumn('created', 'double precision', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('devices')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('platform', 'text', (column) => column.notNull())
    .addColumn('token', 'text', (column) => column.notNull().unique())
    .addColumn('created', 'double precision', (column) => column.notNull())
    .addColumn('seen', 'double precision', (column) => column.notNull())
    .addColumn('revoked', 'double precision')
    .execute();
  await db.schema.createIndex('devices_account').on('devices').column('account').execute();
}

async function makeSpaces(db: Schema): Promise<void> {
  await db.schema
    .createTable('spaces')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('account', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('root', 'text', (column) => column.notNull().unique())
    .addColumn('rev', 'bigint', (column) => column.notNull())
    .addColumn('floor', 'bigint', (column) => column.notNull())
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('bytes', 'bigint', (column) => column.notNull())
    .addColumn('files', 'bigint', (column) => column.notNull())
    .addColumn('created', 'double precision', (column) => column.notNull())
    .addColumn('removed', 'double precision')
    .addUniqueConstraint('spaces_name', ['account', 'kind', 'device', 'name'])
    .execute();
}

async function makeNodes(db: Schema): Promise<void> {
  await db.schema
    .createTable('nodes')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('space', 'text', (column) => column.notNull().references('spaces.id'))
    .addColumn('parent', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('mode', 'integer', (column) => column.notNull())
    .addColumn('mtime', 'double precision', (column) => column.notNull())
    .addColumn('birthtime', 'double precision', (column) => column.notNull())
    .addColumn('ctime', 'double precision', (column) => column.notNull())
    .addColumn('rev', 'bigint', (column) => column.notNull())
    .addColumn('device', 'text')
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('version', 'text')
    .addColumn('hash', 'text')
    .addColumn('target', 'text')
    .addColumn('xattrs', 'text')
    .addColumn('removed', 'double precision')
    .addColumn('purged', 'integer', (column) => column.notNull())
    .execute();
  const { schema } = db;
  await schema.createIndex('nodes_rev').on('nodes').columns(['space', 'rev']).unique().execute();
  const live = schema.createIndex('nodes_name').on('nodes').columns(['parent', 'name']).unique();
  await live.where(sql.ref('removed'), 'is', null).execute();
  const gone = schema.createIndex('nodes_removed').on('nodes').columns(['purged', 'removed']);
  await gone.where(sql.ref('removed'), 'is not', null).execute();
  const trash = schema.createIndex('nodes_trash').on('nodes').columns(['space', 'removed', 'id']);
  await trash.where(sql.ref('removed'), 'is not', null).where(sql.ref('purged'), '=', sql.lit(0)).execute();
}

async function makeVersions(db: Schema, types: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('versions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('node', 'text', (column) => column.notNull())
    .addColumn('rank', 'bigint', (column) => column.notNull())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addColumn('mtime', 'double precision', (column) => column.notNull())
    .addColumn('created', 'double precision', (column) => column.notNull())
    .addColumn('device', 'text')
    .addColumn('manifest', types.bytes, (column) => column.notNull())
    .execute();
  await db.schema.createIndex('versions_node').on('versions').columns(['node', 'rank']).execute();
}

async function makeIntents(db: Schema): Promise<void> {
  await db.schema
    .createTable('intents')
    .addColumn('device', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('result', 'text', (column) => column.notNull())
    .addColumn('created', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('intents_key', ['device', 'id'])
    .execute();
  await db.schema.createIndex('intents_created').on('intents').column('created').execute();
}

async function makeBlocks(db: Schema): Promise<void> {
  await db.schema
    .createTable('blocks')
    .addColumn('account', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('size', 'integer', (column) => column.notNull())
    .addColumn('refs', 'bigint', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('touched', 'double precision', (column) => column.notNull())
    .addColumn('generation', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('blocks_key', ['account', 'digest'])
    .execute();
  const { schema } = db;
  await schema.createIndex('blocks_generation').on('blocks').column('generation').unique().execute();
  const idle = schema.createIndex('blocks_idle').on('blocks').columns(['state', 'touched']);
  await idle.where(sql.ref('refs'), '=', sql.lit(0)).execute();
}

async function makeThinning(db: Schema): Promise<void> {
  const alter = (table: string) => db.schema.alterTable(table);
  await alter('versions')
    .addColumn('since', 'double precision', (column) => column.notNull().defaultTo(0))
    .execute();
  await alter('versions').addColumn('until', 'double precision').execute();
  await sql`update versions set since = created`.execute(db);
  await alter('blocks')
    .addColumn('awaited', 'text', (column) => column.defaultTo(MANY))
    .execute();
}

/** What a generation belongs to is found by its block. */
async function dropGenerationIndex(db: Schema): Promise<void> {
  await db.schema.dropIndex('blocks_generation').execute();
}

async function addShares(db: Schema): Promise<void> {
  const { schema } = db;
  await schema.alterTable('nodes').addColumn('mount', 'text').execute();
  const mounts = schema.createIndex('nodes_mount').on('nodes').columns(['space', 'mount']);
  await mounts.where(sql.ref('mount'), 'is not', null).execute();
  await schema
    .createTable('members')
    .addColumn('space', 'text', (column) => column.notNull())
    .addColumn('email', 'text', (column) => column.notNull())
    .addColumn('account', 'text')
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('place', 'text')
    .addColumn('created', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('members_key', ['space', 'email'])
    .execute();
  await schema.createIndex('members_email').on('members').column('email').execute();
  await schema.createIndex('members_account').on('members').columns(['account', 'space']).execute();
  await schema
    .createTable('departures')
    .addColumn('space', 'text', (column) => column.notNull())
    .addColumn('node', 'text', (column) => column.notNull())
    .addColumn('rev', 'bigint', (column) => column.notNull())
    .addColumn('record', 'text', (column) => column.notNull())
    .addColumn('target', 'text', (column) => column.notNull())
    .addColumn('created', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('departures_key', ['space', 'node'])
    .execute();
  await schema.createIndex('departures_rev').on('departures').columns(['space', 'rev']).execute();
  await schema.createIndex('departures_created').on('departures').column('created').execute();
  await schema
    .createTable('space_blocks')
    .addColumn('space', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('refs', 'bigint', (column) => column.notNull())
    .addColumn('touched', 'double precision', (column) => column.notNull())
    .addPrimaryKeyConstraint('space_blocks_key', ['space', 'digest'])
    .execute();
  const idle = schema.createIndex('space_blocks_idle').on('space_blocks').column('touched');
  await idle.where(sql.ref('refs'), '=', sql.lit(0)).execute();
}
