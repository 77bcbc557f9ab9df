import { signal } from '@preact/signals';

export type Route =
  | { readonly page: 'home' | 'backups' | 'shared' | 'trash' | 'devices' | 'account' }
  | { readonly page: 'folder' | 'file'; readonly id: string }
  | { readonly page: 'search'; readonly query: string };

/** The address of a page. */
export function addressOf(route: Route): string {
  if (route.page === 'home') return '/';
  if (route.page === 'search') return `/search/${encodeURIComponent(route.query)}`;
  return 'id' in route ? `/${route.page}/${route.id}` : `/${route.page}`;
}

export function routeOf(path: string): Route {
  const [, page, id] = path.split('/');
  if ((page === 'folder' || page === 'file') && id !== undefined && id !== '') return { page, id };
  if (page === 'search') return { page, query: decoded(id ?? '') };
  if (page === 'backups' || page === 'shared' || page === 'trash') return { page };
  if (page === 'devices' || page === 'account') return { page };
  return { page: 'home' };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The page that is shown is the address of the window: it survives a reload, and Back leads to the one before. */
export class Router {
  readonly route = signal<Route>(routeOf(location.pathname));

  constructor() {
    addEventListener('popstate', () => (this.route.value = routeOf(location.pathname)));
    // Links are ordinary ones; those that stay in the app are not loaded anew.
    addEventListener('click', (event) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (link === null || link.origin !== location.origin || link.hasAttribute('download')) return;
      if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.go(routeOf(link.pathname));
    });
  }

  go(route: Route, how: 'push' | 'replace' = 'push'): void {
    const address = addressOf(route);
    if (how === 'replace') history.replaceState(null, '', address);
    else if (address !== location.pathname) history.pushState(null, '', address);
    this.route.value = route;
  }
}
