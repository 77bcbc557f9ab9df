import { useEffect } from 'preact/hooks';
import { useApp } from '../app-state.ts';

/** The app opens in Sync. */
export function HomePage() {
  const { router, spaces } = useApp();
  const root = spaces.sync.value?.root;
  useEffect(() => {
    if (root !== undefined) router.go({ page: 'folder', id: root }, 'replace');
  }, [root]);
  return null;
}
