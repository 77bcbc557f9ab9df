import { useApp } from '../app-state.ts';
import { texts } from '../texts.ts';
import { AccountPage } from './account-page.tsx';
import { BackupsPage } from './backups-page.tsx';
import { DevicesPage } from './devices-page.tsx';
import { FilePage } from './file-page.tsx';
import { FolderPage } from './folder-page.tsx';
import { Frame } from './frame.tsx';
import { HomePage } from './home-page.tsx';
import { Notice } from './notice.tsx';
import { SearchPage } from './search-page.tsx';
import { Setup } from './setup.tsx';
import { SharedPage } from './shared-page.tsx';
import { SignIn } from './sign-in.tsx';
import { TrashPage } from './trash-page.tsx';

export function App() {
  const { session } = useApp();
  const state = session.state.value;
  return (
    <>
      {state === 'unknown' && <Splash />}
      {state === 'out' && <SignIn />}
      {state === 'new' && <Setup />}
      {typeof state === 'object' && (
        <Frame>
          <Page />
        </Frame>
      )}
      <Notice />
    </>
  );
}

/** As in `index.html`. */
function Splash() {
  return (
    <main class="splash">
      <img class="logo" src="/icon.svg" alt="" width="56" height="56" />
      {texts.product}
    </main>
  );
}

function Page() {
  const route = useApp().router.route.value;
  switch (route.page) {
    case 'home':
      return <HomePage />;
    case 'folder':
      return <FolderPage key={route.id} id={route.id} />;
    case 'file':
      return <FilePage key={route.id} id={route.id} />;
    case 'backups':
      return <BackupsPage />;
    case 'shared':
      return <SharedPage />;
    case 'account':
      return <AccountPage />;
    case 'search':
      return <SearchPage query={route.query} />;
    case 'trash':
      return <TrashPage />;
    default:
      return <DevicesPage />;
  }
}
