import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import type { Test } from 'tap';
import { build } from 'vite';
import axe from 'axe-core';
import { startTestCloud, type TestCloud } from './cloud.ts';
import { temporary } from './temporary.ts';

const repository = join(import.meta.dirname, '../..');

/** The folder of the built web app: what `scripts/test` has built, or its present sources. */
export async function builtWebApp(t: Test): Promise<string> {
  const built = join(repository, 'dist/web');
  if (process.env['FJORD_TEST_BUILT'] === '1' && existsSync(built)) return built;
  const outDir = temporary(t);
  await build({ configFile: join(repository, 'vite.config.ts'), build: { outDir }, logLevel: 'warn' });
  return outDir;
}

/** Debian's browser, without a window; ends with the test. */
export async function launchBrowser(t: Test): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  t.teardown(async () => browser.close());
  return browser;
}

export const PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true } as const;
export const DESKTOP = { viewport: { width: 1280, height: 800 } } as const;

/** A cloud with the web app, and a browser. */
export class WebTest {
  readonly cloud: TestCloud;
  readonly browser: Browser;
  /** What the pages have complained about. */
  readonly complaints: string[] = [];

  private constructor(cloud: TestCloud, browser: Browser) {
    this.cloud = cloud;
    this.browser = browser;
  }

  static async start(t: Test): Promise<WebTest> {
    const [web, browser] = await Promise.all([builtWebApp(t), launchBrowser(t)]);
    return new WebTest(await startTestCloud(t, { web }), browser);
  }

  /** A page of a new browser profile. */
  async page(options: BrowserContextOptions = DESKTOP): Promise<Page> {
    const context = await this.browser.newContext({ ...options, locale: 'en-GB' });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      // What a call refuses is logged by the browser itself.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.complaints.push(message.text());
    });
    return page;
  }

  /** A page that is signed in, at an address. */
  async signedIn(options: BrowserContextOptions = DESKTOP, path = '/'): Promise<Page> {
    const page = await this.page(options);
    await page.goto(this.cloud.url + path);
    await signIn(page, this.cloud.email, this.cloud.password);
    return page;
  }
}

export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Places' }).waitFor();
}

/** The session's cookie of a profile. */
export async function sessionCookie(context: BrowserContext): Promise<{ name: string; value: string }> {
  const found = (await context.cookies()).find(({ name }) => name.startsWith('fjord'));
  if (found === undefined) throw new Error('no session');
  return found;
}

/** Fails for everything that axe-core finds in the page. */
export async function checkAccessibility(t: Test, page: Page, name: string): Promise<void> {
  // The policy of the page allows no script but its own: it is injected by the debugger.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    async () => await (globalThis as unknown as { axe: typeof axe }).axe.run(),
  );
  t.same(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    [],
    `axe: ${name}`,
  );
}

/** Saves what the page shows, light and dark, in the ignored folder `.screenshots`. */
export async function screenshots(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: join(repository, '.screenshots', `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}
