import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { useApp } from '../app-state.ts';
import { addressOf, type Route } from '../router.ts';
import { texts } from '../texts.ts';
import { UploadPanel } from './upload-panel.tsx';
import { Icon, Logo, type IconName } from './icon.tsx';

interface Place {
  readonly route: Route;
  readonly label: string;
  readonly icon: IconName;
}

/** What is around every page: the places, who is signed in, and whether the cloud can be reached. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  const { attempt, live, session, spaces } = useBound();
  useEffect(() => void attempt(() => spaces.load()), []);
  const state = session.state.value;
  return (
    <div class="frame">
      <header class="bar">
        <a class="home" href="/">
          <Logo />
        </a>
        <a class="who" href="/account" title={texts.account.title}>
          {typeof state === 'object' && state.account.email}
        </a>
        <a class="action" href="/search" aria-label={texts.search.title} title={texts.search.title}>
          <Icon name="search" />
          <span>{texts.search.title}</span>
        </a>
        <button
          type="button"
          class="action"
          aria-label={texts.signOut}
          title={texts.signOut}
          onClick={() => void attempt(() => session.signOut())}
        >
          <Icon name="leave" />
          <span>{texts.signOut}</span>
        </button>
      </header>
      <Places />
      {!live.connected.value && (
        <p class="offline" role="status">
          {texts.offline}
        </p>
      )}
      <main class="page">{children}</main>
      <UploadPanel />
    </div>
  );
}

function useBound() {
  const app = useApp();
  const { live, session, spaces } = app;
  return { live, session, spaces, attempt: (action: () => Promise<unknown>) => app.attempt(action) };
}

function Places() {
  const { router, spaces } = useApp();
  const here = addressOf(router.route.value);
  const current = spaces.current.value;
  const { sync, archive } = spaces;
  const places: Place[] = [
    { route: folderOf(sync.value?.root), label: texts.places.sync, icon: 'sync' },
    { route: { page: 'backups' }, label: texts.places.backups, icon: 'backups' },
    { route: folderOf(archive.value?.root), label: texts.places.archive, icon: 'archive' },
    { route: { page: 'shared' }, label: texts.places.shared, icon: 'shared' },
    { route: { page: 'trash' }, label: texts.places.trash, icon: 'trash' },
    { route: { page: 'devices' }, label: texts.places.devices, icon: 'devices' },
  ];
  return (
    <nav class="places" aria-label={texts.places.label}>
      {places.map(({ route, label, icon }) => (
        <a
          key={icon}
          href={addressOf(route)}
          aria-current={icon === current || addressOf(route) === here ? 'page' : undefined}
        >
          <Icon name={icon} />
          <span>{label}</span>
        </a>
      ))}
    </nav>
  );
}

function folderOf(id: string | undefined): Route {
  return id === undefined ? { page: 'home' } : { page: 'folder', id };
}
