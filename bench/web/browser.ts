import { chromium, type Browser, type Page } from 'playwright-core';
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

/** The bytes of a first visit, and when something showed, on a phone: 1.6 Mbit/s, 150 ms to the server, a quarter of this processor. */
export async function firstVisit(browser: Browser, url: string): Promise<{ bytes: number; paint: number }> {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 }, serviceWorkers: 'block' });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const throughput = (1.6 * 1024 * 1024) / 8;
  const network = { offline: false, latency: 150, downloadThroughput: throughput, uploadThroughput: throughput };
  await session.send('Network.emulateNetworkConditions', network);
  await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await page.goto(url);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  const paint = await page.evaluate<number>(
    'performance.getEntriesByName("first-contentful-paint").at(-1)?.startTime ?? NaN',
  );
  await context.close();
  return { bytes, paint };
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
