import type { NodeId } from '../vfs/node.ts';
import type { ChangedNames } from '../watch/quiet-paths.ts';
import { Downlink } from './downlink.ts';
import type { PassParts } from './pass-parts.ts';
import { Uplink } from './uplink.ts';

/** What a pass looks at. */
export interface PassScope {
  readonly local: ChangedNames | 'whole';
  readonly drive: ReadonlySet<NodeId> | 'whole';
}

export interface PassRules {
  /** A person has agreed to the removal of most files. */
  readonly confirmed: boolean;
  /** @throws if the folder is not the one that is synced any more */
  readonly isOurs: () => Promise<void>;
}

/** Brings both sides together: first what was changed here goes to the drive, then the drive's state comes here. @throws HaltError; EINTR */
export async function runPass(parts: PassParts, { local, drive }: PassScope, rules: PassRules): Promise<void> {
  await rules.isOurs();
  await new Uplink(parts, rules).run(local);
  const { notes } = parts;
  const folders = drive === 'whole' ? drive : new Set([...drive, ...notes.drive]);
  notes.drive.clear();
  await new Downlink(parts, rules).run(folders);
}
