import type { Chore } from './chores.ts';
import { moveChildren } from './conflict/merge-nodes.ts';
import { renewChildren } from './conflict/recreate.ts';
import { relabelBelow } from './follow/relabel.ts';
import { sweep } from './follow/sweep.ts';
import type { Replica } from './replica.ts';

/** Continues the chores that an earlier process has left. To be called before anything else changes the tree. */
export async function resumeChores(replica: Replica): Promise<void> {
  for (const [key, chore] of await replica.chores.left()) replica.resume(key, () => work(replica, chore));
}

async function work(replica: Replica, chore: Chore): Promise<void> {
  switch (chore.what) {
    case 'sweep': {
      // The cloud may have restored it in the meantime.
      const isShown = replica.catalog.get(chore.folder)?.id === chore.folder;
      return isShown ? undefined : await sweep(replica, chore.folder, chore.removed);
    }
    case 'renew':
      return await renewChildren(replica, chore.folder, chore.to, chore.removed);
    case 'move':
      return await moveChildren(replica, chore.folder, chore.to);
    case 'relabel':
      return await relabelBelow(replica, chore.folder, chore.space);
  }
}
