import type { SpaceRecord } from './records.ts';

/** Names that folders have on the drive, for things with free text as names. Of several with one name all but the first get a number. */
export class FolderNames {
  readonly #owners = new Map<string, string>();

  nameFor(wanted: string, owner: string): string {
    for (let count = 1; ; count++) {
      const name = count === 1 ? folderName(wanted) : `${folderName(wanted)} (${count})`;
      if ((this.#owners.get(name) ?? owner) !== owner) continue;
      this.#owners.set(name, owner);
      return name;
    }
  }
}

/** Free text as the name of a folder. */
export function folderName(text: string): string {
  const name = text.replaceAll(/[/\0]/g, '-');
  return name === '.' || name === '..' || name === '' ? '-' : name;
}

export interface PlacedSpace {
  readonly space: SpaceRecord;
  /** The folders of the drive that lead to it, and its own. */
  readonly names: readonly string[];
}

/** Where the drive shows each space; those that it does not show are left out. */
export function placeSpaces(spaces: readonly SpaceRecord[]): PlacedSpace[] {
  const devices = new FolderNames();
  return spaces.flatMap((space) => {
    const { kind, name, device } = space;
    if (kind === 'sync') return [{ space, names: ['Sync'] }];
    if (kind === 'archive') return [{ space, names: ['Archive'] }];
    if (kind !== 'backup' || device === undefined) return [];
    return [{ space, names: ['Backup', devices.nameFor(device.name, device.id), folderName(name)] }];
  });
}
