import { useEffect } from 'preact/hooks';
import type { SpaceRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { shown } from '../format.ts';
import { addressOf } from '../router.ts';
import { texts } from '../texts.ts';
import { Icon } from './icon.tsx';
import { useTitle } from './use-title.ts';

/** The computers that back up, and their sets. */
export function BackupsPage() {
  const { spaces } = useApp();
  useTitle(texts.backups.title);
  useEffect(() => {
    spaces.current.value = 'backups';
  }, []);
  const computers = Map.groupBy(spaces.backups.value, ({ device }) => device?.id ?? '');
  return (
    <>
      <h1>{texts.backups.title}</h1>
      {spaces.all.value !== undefined && computers.size === 0 && <p class="hint">{texts.backups.empty}</p>}
      <div class="scroll">
        {[...computers.values()].map((sets) => (
          <Computer key={sets[0]?.device?.id} sets={sets} />
        ))}
      </div>
    </>
  );
}

function Computer({ sets }: { readonly sets: readonly SpaceRecord[] }) {
  return (
    <section>
      <h2>
        <bdi>{shown(sets[0]?.device?.name ?? '')}</bdi>
      </h2>
      <ul class="cards">
        {sets.map(({ id, name, root }) => (
          <li key={id}>
            <Icon name="folder" />
            <a class="what" href={addressOf({ page: 'folder', id: root })}>
              <bdi>{shown(name)}</bdi>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
