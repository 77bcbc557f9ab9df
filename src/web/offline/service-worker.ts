/**
 * Keeps the app and the lists that were seen in it, for times without a connection. The network always comes first, except for files whose
 * names have a hash of their content. Of the content of files only thumbnails are kept, by a worker of the page. Nothing of an account is kept
 * when it has signed out.
 */
import { THUMBNAILS } from '../thumbnails/cache-name.ts';

/** What is used of the types of service workers, which the library of pages does not have. */
interface ExtendableEvent extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Worker {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
}

/** The app itself, and what was seen of the account; entries that are kept of each. */
const APP = 'app';
const SEEN = 'seen';
const MOST = { [APP]: 50, [SEEN]: 300 } as const;
/** Calls whose last response is shown without a connection. */
const LISTS = /^\/v1\/(session|spaces|usage|devices|shares|links|nodes\/[^/]+(\/(children|versions))?)$/;

const worker = globalThis as unknown as Worker;

addEventListener('install', (event) => {
  (event as ExtendableEvent).waitUntil(keepApp().then(() => worker.skipWaiting()));
});

addEventListener('activate', (event) => {
  (event as ExtendableEvent).waitUntil(worker.clients.claim());
});

addEventListener('fetch', (event) => {
  const { request, respondWith } = bound(event as FetchEvent);
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin) return;
  if (request.method !== 'GET') {
    if (pathname === '/v1/session') respondWith(fetchAndForget(request));
  } else if (/^\/(v1|l)\//.test(pathname)) {
    if (LISTS.test(pathname)) respondWith(list(request));
  } else if (request.mode === 'navigate') respondWith(page(request));
  else respondWith(file(request));
});

function bound(event: FetchEvent) {
  return { request: event.request, respondWith: (response: Promise<Response>) => event.respondWith(response) };
}

/** The page, whose address does not matter, and the files that it names. */
async function keepApp(): Promise<void> {
  const response = await fetch('/', { cache: 'no-cache' });
  if (!response.ok) return;
  const text = await response.clone().text();
  const cache = await caches.open(APP);
  await cache.put('/', response);
  // `addAll` refuses to take one twice.
  await cache.addAll([...new Set([...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '/'))]);
}

async function page(request: Request): Promise<Response> {
  const kept = await (await caches.open(APP)).match('/');
  try {
    const response = await fetch(request);
    const isNew = response.ok && response.headers.get('etag') !== kept?.headers.get('etag');
    if (isNew) void keepApp().catch(() => undefined);
    return response;
  } catch (error) {
    if (kept === undefined) throw error;
    return kept;
  }
}

async function file(request: Request): Promise<Response> {
  const kept = await (await caches.open(APP)).match(request);
  if (kept !== undefined) return kept;
  const response = await fetch(request);
  if (response.ok) await keep(APP, request, response.clone());
  return response;
}

async function list(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    if (response.status === 401) await forget();
    // The caller need not wait until all of a long list is kept.
    if (response.ok) void keep(SEEN, request, response.clone()).catch(() => undefined);
    return response;
  } catch (error) {
    const kept = await (await caches.open(SEEN)).match(request.url);
    if (kept === undefined) throw error;
    return kept;
  }
}

/** Signing in and out. */
async function fetchAndForget(request: Request): Promise<Response> {
  const response = await fetch(request);
  await forget();
  return response;
}

async function forget(): Promise<void> {
  await Promise.all([SEEN, THUMBNAILS].map((name) => caches.delete(name)));
}

async function keep(name: keyof typeof MOST, request: Request, response: Response): Promise<void> {
  const cache = await caches.open(name);
  // What was put last is last among the keys.
  await cache.delete(request.url);
  await cache.put(request.url, response);
  const keys = await cache.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - MOST[name]))) {
    if (new URL(old.url).pathname !== '/') await cache.delete(old);
  }
}
