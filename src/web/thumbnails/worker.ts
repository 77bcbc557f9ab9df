import PQueue from 'p-queue';
import type { FromThumbnailWorker, ToThumbnailWorker } from './messages.ts';
import { scaleDown } from './scale.ts';
import { THUMBNAILS } from './cache-name.ts';

/** Pictures that are loaded and decoded at a time; a decoded one may take a hundred megabytes. */
const AT_ONCE = 2;
/** Thumbnails that are kept, about 10 KB each. */
const MOST = 2000;

/** Makes thumbnails on a thread of its own, and keeps them: the content of a version never changes. */
function serve(): void {
  const queue = new PQueue({ concurrency: AT_ONCE });
  const wanted = new Map<string, AbortController>();
  const find = async (version: string, { signal }: AbortController) => {
    if (signal.aborted) return;
    const picture = await thumbnailOf(version, signal).catch(() => undefined);
    if (signal.aborted) return;
    wanted.delete(version);
    postMessage({ version, ...(picture === undefined ? {} : { picture }) } satisfies FromThumbnailWorker);
  };
  addEventListener('message', ({ data: { type, version } }: MessageEvent<ToThumbnailWorker>) => {
    wanted.get(version)?.abort();
    wanted.delete(version);
    if (type === 'forget') return;
    const stop = new AbortController();
    wanted.set(version, stop);
    void queue.add(() => find(version, stop));
  });
}

async function thumbnailOf(version: string, signal: AbortSignal): Promise<Blob> {
  const cache = await caches.open(THUMBNAILS);
  const kept = await cache.match(addressOf(version));
  if (kept !== undefined) return await kept.blob();
  const response = await fetch(`/v1/versions/${version}/content`, { signal });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const small = await scaleDown(await response.blob());
  await keep(cache, version, small).catch(() => undefined);
  return small;
}

async function keep(cache: Cache, version: string, picture: Blob): Promise<void> {
  await cache.put(addressOf(version), new Response(picture));
  const keys = await cache.keys();
  for (const old of keys.slice(0, Math.max(0, keys.length - MOST))) await cache.delete(old);
}

/** A key of the cache; there is no such call. */
function addressOf(version: string): string {
  return `/thumbnails/${version}`;
}

serve();
