import type { Test } from 'tap';
import type { Awaitable } from '../../src/vfs/context.ts';
import { attributesContract } from './file-system/attributes.ts';
import { contentContract } from './file-system/content.ts';
import { draftsContract } from './file-system/drafts.ts';
import { handlesContract } from './file-system/handles.ts';
import { listingContract } from './file-system/listing.ts';
import { modelContract } from './file-system/model.ts';
import { movesContract } from './file-system/moves.ts';
import { namesContract } from './file-system/names.ts';
import { FULL, adder, type Add, type Rig, type Traits } from './file-system/rig.ts';
import { treeContract } from './file-system/tree.ts';
import { watchingContract } from './file-system/watching.ts';

const parts: Record<string, (add: Add) => void> = {
  tree: treeContract,
  names: namesContract,
  listing: listingContract,
  content: contentContract,
  handles: handlesContract,
  attributes: attributesContract,
  drafts: draftsContract,
  moves: movesContract,
  watching: watchingContract,
  model: modelContract,
};

/**
 * The requirements on every `FileSystem`. `factory` is called once; each case uses its own folder inside `Rig.folder`.
 * `traits` list what an implementation cannot do; cases that need it are skipped.
 */
export function fileSystemContract(t: Test, factory: () => Awaitable<Rig>, traits: Partial<Traits> = {}): void {
  const all = { ...FULL, ...traits };
  t.test('FileSystem', async (t) => {
    const rig = await factory();
    t.teardown(() => rig.teardown?.());
    for (const [name, part] of Object.entries(parts)) {
      t.test(name, async (t) => part(adder(t, name, () => rig, all)));
    }
  });
}
