import type { LocationRecord, SpaceRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { shown } from '../format.ts';
import { addressOf } from '../router.ts';
import type { Spaces } from '../spaces.ts';
import { texts } from '../texts.ts';

interface Crumb {
  readonly name: string;
  readonly address: string;
}

/** What a space is called; a backup by its computer and set, a shared one as the account calls it. */
export function spaceTitle({ id, kind, name, device }: SpaceRecord, spaces: Spaces): string {
  if (kind === 'shared') return spaces.placesOfShared.value.get(id)?.node?.name ?? texts.places.shared;
  if (kind === 'backup') return device === undefined ? name : `${device.name}: ${name}`;
  return kind === 'archive' ? texts.places.archive : kind === 'sync' ? texts.places.sync : name;
}

export function Breadcrumbs({ location: { space, path } }: { readonly location: LocationRecord }) {
  const { spaces } = useApp();
  const sync = spaces.sync.value;
  const above = spaces.placesOfShared.value.get(space.id)?.path.slice(0, -1) ?? [];
  const crumbs: Crumb[] = [
    ...(space.kind === 'backup' ? [{ name: texts.places.backups, address: addressOf({ page: 'backups' }) }] : []),
    ...(space.kind === 'shared' && sync !== undefined
      ? [{ name: spaceTitle(sync, spaces), address: addressOf({ page: 'folder', id: sync.root }) }]
      : []),
    ...above.map(({ id, name }) => ({ name, address: addressOf({ page: 'folder', id }) })),
    { name: spaceTitle(space, spaces), address: addressOf({ page: 'folder', id: space.root }) },
    ...path.map(({ id, name }) => ({ name, address: addressOf({ page: 'folder', id }) })),
  ];
  const last = crumbs.pop();
  return (
    <nav class="breadcrumbs" aria-label={texts.breadcrumbs}>
      <ol>
        {crumbs.map(({ name, address }) => (
          <li key={address}>
            <a href={address}>
              <bdi>{shown(name)}</bdi>
            </a>
          </li>
        ))}
        <li>
          <h1 aria-current="page">
            <bdi>{shown(last?.name ?? '')}</bdi>
          </h1>
        </li>
      </ol>
    </nav>
  );
}
