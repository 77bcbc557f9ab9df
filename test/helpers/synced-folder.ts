import { mkdirSync, realpathSync } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { openBackupStore } from '../../src/backup/store.ts';
import { digestsOf } from '../../src/local-folder/digests-of.ts';
import { FolderSync } from '../../src/local-folder/folder-sync.ts';
import type { PassNotes } from '../../src/local-folder/pass-notes.ts';
import type { PassScope } from '../../src/local-folder/pass.ts';
import type { Selection } from '../../src/local-folder/rules.ts';
import { twoWay } from '../../src/mounts/policy/reconcile.ts';
import { conflictName } from '../../src/mounts/sync/conflict/conflict.ts';
import { splitPath, walk } from '../../src/vfs/walk.ts';
import { background } from '../../src/vfs/context.ts';
import type { TestDevice } from './devices.ts';

const WHOLE: PassScope = { local: 'whole', drive: 'whole' };

/** A local folder beside a device's drive, synced when the test says so. */
export class SyncedFolder {
  readonly folder: string;
  readonly sync: FolderSync;

  private constructor(folder: string, sync: FolderSync) {
    this.folder = folder;
    this.sync = sync;
  }

  static async open(
    t: Test,
    device: TestDevice,
    folder: string,
    {
      remote = '/Sync',
      id = 'pair',
      prepare = true,
      hold = 0,
      now = () => performance.now(),
      ...selection
    }: Selection & { remote?: string; id?: string; prepare?: boolean; hold?: number; now?: () => number } = {},
  ): Promise<SyncedFolder> {
    mkdirSync(folder, { recursive: true });
    const { gateway, name } = device;
    const { catalog, conflicts, writer, activity, db } = gateway.stack;
    const top = await walk(gateway.fs, splitPath(remote, 'test'), background);
    let clock = Date.UTC(2026, 10, 28);
    const sync = new FolderSync({
      id,
      folder: realpathSync(folder),
      selection,
      fs: gateway.fs,
      top: top.id,
      reconcile: twoWay,
      hold,
      now,
      store: await openBackupStore(db, `folder-${id}`),
      facts: {
        hashOf: (node) => catalog.get(node)?.hash,
        digestsOf: (file, context) => digestsOf(gateway.stack, file, context),
        isBusy: (node) => activity.isBusy(node),
        conflictName: (one, isTaken) => conflictName(one, name, new Date((clock += 1000)), isTaken),
        noteConflict: async (node, one) => writer.write([conflicts.add({ node, name: one, at: clock })]),
      },
    });
    t.teardown(() => sync.close());
    if (prepare) await sync.prepare();
    return new SyncedFolder(folder, sync);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  pass(scope: PassScope = WHOLE, confirmed = false): Promise<PassNotes> {
    return this.sync.pass({ scope, confirmed, signal: background.signal });
  }

  /** Passes until nothing is left to do. */
  async settle(): Promise<PassNotes> {
    for (let n = 0; n < 12; n++) {
      const notes = await this.pass();
      if (notes.done === 0 && notes.local.size === 0 && notes.drive.size === 0) return notes;
    }
    throw new Error('the folder does not come to rest');
  }

  /** Paths with contents, as `TestDevice.tree` has them. */
  async tree(prefix = '/Sync'): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    const visit = async (dir: string, at: string): Promise<void> => {
      for (const name of (await readdir(dir)).sort()) {
        if (at === prefix && name === '.fjord-sync') continue;
        const path = join(dir, name);
        const stats = await lstat(path);
        if (stats.isDirectory()) {
          found[`${at}/${name}/`] = '';
          await visit(path, `${at}/${name}`);
        } else found[`${at}/${name}`] = stats.isFile() ? await readFile(path, 'utf8') : 'link';
      }
    };
    await visit(this.folder, prefix);
    return found;
  }

  target(name: string): Promise<string> {
    return readlink(this.path(name));
  }
}
