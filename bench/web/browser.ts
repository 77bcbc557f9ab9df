import { chromium, type Browser, type Cookie, type Page } from 'playwright-core';
import { EMAIL, PASSWORD } from './cloud.ts';

/** What showing a page costs. */
export interface Shown {
  /** ms until what was waited for. */
  readonly ms: number;
  /** Of tasks of 50 ms and more, in which the page responds to nothing, ms. */
  readonly longest: number;
  readonly blocked: number;
  /** Elements in the page. */
  readonly elements: number;
}

export async function openBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
  return await chromium.launch({ executablePath: '/usr/bin/chromium', args });
}

export async function signIn(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Places' }).waitFor();
}

/** Lighthouse's phone: 1.6 Mbit/s, 150 ms to the server, a quarter of this processor. */
const SLOW_PHONE = {
  network: { offline: false, latency: 150, downloadThroughput: 200 * 1024, uploadThroughput: 200 * 1024 },
  processor: { rate: 4 },
} as const;

/** A page that a browser loads for the first time. */
export interface Visit {
  /** Over the network, compressed. */
  readonly bytes: number;
  /** ms until something shows. */
  readonly paint: number;
  /** ms until what was waited for shows. */
  readonly ready: number;
}

/** A visit on a slow phone, with an empty cache. @param ready CSS selector of what is waited for @param cookies of a session */
export async function visit(browser: Browser, url: string, ready: string, cookies: Cookie[] = []): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, serviceWorkers: 'block' });
  await context.addCookies(cookies);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', SLOW_PHONE.network);
  await session.send('Emulation.setCPUThrottlingRate', SLOW_PHONE.processor);
  await page.addInitScript(`new MutationObserver((_changes, observer) => {
    if (document.querySelector(${JSON.stringify(ready)}) === null) return;
    globalThis.readyAt = performance.now();
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true })`);
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(url);
  await page.locator(ready).first().waitFor();
  const [paint, readyAt] = await page.evaluate<[number, number]>(
    '[performance.getEntriesByName("first-contentful-paint").at(-1)?.startTime ?? NaN, readyAt]',
  );
  await context.close();
  return { bytes, paint, ready: readyAt };
}

/** ms of the longest task meanwhile; 0 if none has taken 50 ms. @param page one that `show` has opened */
export async function longestTaskOf(page: Page, work: () => Promise<void>): Promise<number> {
  const before = await page.evaluate<number>('tasks.length');
  await work();
  await page.waitForTimeout(500);
  return Math.max(0, ...(await page.evaluate<number[]>(`tasks.slice(${before})`)));
}

/** Opens an address in a page that is signed in where that is needed. @param ready resolves when it shows */
export async function show(page: Page, address: string, ready: () => Promise<void>): Promise<Shown> {
  await page.addInitScript(`
    globalThis.tasks = [];
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: 'longtask', buffered: true });
  `);
  const start = performance.now();
  await page.goto(address, { waitUntil: 'commit' });
  await ready();
  const ms = performance.now() - start;
  await page.waitForTimeout(500);
  const tasks = await page.evaluate<number[]>('tasks');
  const elements = await page.evaluate<number>('document.querySelectorAll("*").length');
  return { ms, longest: Math.max(0, ...tasks), blocked: tasks.reduce((sum, task) => sum + task, 0), elements };
}
