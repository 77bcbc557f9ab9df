import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import type { Page } from 'playwright-core';
import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';
import { checkAccessibility, DESKTOP, launchBrowser, PHONE, screenshots } from '../helpers/web-app.ts';

t.setTimeout(300_000);

const HOSTILE = '<img src=x onerror=alert(1)>';

const home = temporary(t);
for (const name of ['papers', HOSTILE, '.hidden']) mkdirSync(join(home, name));
writeFileSync(join(home, 'papers/letter'), 'Dear Ada');
const fjord = await startFjord(t, { env: { HOME: home } });
const browser = await launchBrowser(t);
const { port } = new URL(await link());

async function link(): Promise<string> {
  const { stdout } = await fjord.cli('open', '--print');
  return stdout.trim();
}

async function openPage(options: object): Promise<Page> {
  const context = await browser.newContext({ ...options, locale: 'en-GB' });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.on('dialog', () => t.fail('a name of a folder has run as a script'));
  await page.goto(await link());
  await page.getByRole('heading', { name: 'Fjord on this computer' }).waitFor();
  return page;
}

interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request with any headers, which `fetch` would not send. */
async function send({
  method = 'GET',
  path = '/',
  headers = {},
}: Call): Promise<{ status: number; cookie: string; text: string }> {
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path, headers: { host: `127.0.0.1:${port}`, ...headers } }, resolve)
      .on('error', reject)
      .end();
  });
  const [cookie = ''] = message.headers['set-cookie'] ?? [];
  return { status: message.statusCode ?? 0, cookie, text: await text(message) };
}

t.test('only a browser that a link has opened is served, and only calls of the page itself', async (t) => {
  const { origin, pathname } = new URL(await link());
  t.match(fjord.output, `Status page    ${origin}/`, 'its address is printed');
  for (const path of ['/', '/index.html', '/open/', '/open/wrong']) {
    const { status, text: body } = await send({ path });
    t.ok(status === 401 || status === 404, path);
    t.notMatch(body, /<script/);
  }
  t.match(await send({ path: '/api/status' }), { status: 403 });
  t.match(
    await send({ path: '/api/status', headers: { authorization: `Basic ${btoa(`fjord:${fjord.webdav.password}`)}` } }),
    {
      status: 403,
    },
  );
  const { status, cookie: set } = await send({ path: pathname });
  t.equal(status, 200);
  t.match(set, /^fjord-page-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  t.equal((await send({ path: pathname })).status, 401, 'a link works once');

  const [cookie = ''] = set.split(';');
  const own = { cookie, origin };
  t.match(await send({ path: '/', headers: { cookie } }), { status: 200, text: /<script/ });
  t.match(await send({ path: '/api/status', headers: { cookie } }), { status: 200 });
  t.match(await send({ method: 'POST', path: '/api/retry', headers: own }), { status: 200 });
  const refused: Call[] = [
    { headers: { cookie, host: 'evil.example' } },
    { path: '/api/status', headers: { cookie, host: 'evil.example' } },
    { path: '/api/status', headers: { cookie, 'sec-fetch-site': 'same-site' } },
    { path: '/api/status', headers: { cookie, 'sec-fetch-site': 'cross-site' } },
    { path: '/api/status', headers: { cookie, 'sec-fetch-site': 'none' } },
    { method: 'POST', path: '/api/retry', headers: { cookie } },
    { method: 'POST', path: '/api/retry', headers: { ...own, origin: 'http://127.0.0.1:1' } },
    { method: 'POST', path: '/api/retry', headers: { ...own, origin: 'null' } },
    { method: 'POST', path: '/api/down', headers: { ...own, origin: 'http://evil.example' } },
    { path: '/api/status', headers: { cookie: `${cookie}x` } },
  ];
  for (const call of refused) t.equal((await send(call)).status, 403, JSON.stringify(call));
  t.equal((await fjord.cli('status')).code, 0, 'and it runs on');
});

t.test('a folder is chosen and backed up, paused, resumed, and missed when it is gone', async (t) => {
  const page = await openPage(DESKTOP);
  await page.getByText('Everything is in the cloud.').waitFor();
  await page.getByRole('button', { name: 'Back up a folder' }).click();
  await page.getByText(HOSTILE).waitFor();
  t.equal(await page.getByText('.hidden').count(), 0);
  await screenshots(page, 'status-choose-desktop');
  await page.getByRole('button', { name: 'papers' }).click();
  await page.getByText(join(home, 'papers')).waitFor();
  await page.getByRole('button', { name: 'Back up this folder' }).click();
  await page.getByText(/complete as of .*, watching/).waitFor();
  t.match(await fjord.cli('ls', '-R', '/Backup'), { stdout: /letter/ });
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('paused', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText(/complete as of/).waitFor();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText('verified, nothing is damaged').waitFor();
  mkdirSync(join(home, 'restored here'));
  await page.getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'restored here' }).click();
  await page.getByRole('dialog').getByText(join(home, 'restored here')).waitFor();
  await checkAccessibility(t, page, 'restore');
  await screenshots(page, 'status-restore-desktop');
  await page.getByRole('dialog').getByRole('button', { name: 'Restore here' }).click();
  await page.getByText('restored 1 file to').waitFor();
  t.equal(readFileSync(join(home, 'restored here/papers/letter'), 'utf8'), 'Dear Ada');
  await checkAccessibility(t, page, 'status');

  rmSync(join(home, 'papers'), { recursive: true });
  await page.getByRole('button', { name: 'Run now' }).click();
  await page.getByRole('heading', { name: 'Needs you' }).waitFor();
  await page.getByText('1 thing needs you.').waitFor();
  await page.getByText('the backup "papers" waits').waitFor();
  await fjord.cliWith({ input: 'x' }, 'put', '-', '/Sync/aux.txt');
  await page.reload();
  await page.getByRole('heading', { name: 'Advice' }).waitFor();
  await page.getByRole('button', { name: 'Rename it to' }).waitFor();
  await page.getByText('1 thing needs you.').waitFor();
  await checkAccessibility(t, page, 'status that needs a person');
  await screenshots(page, 'status-desktop');
  await page.getByRole('button', { name: 'Rename it to' }).click();
  await page.getByRole('heading', { name: 'Advice' }).waitFor({ state: 'detached' });
  t.notMatch((await fjord.cli('ls', '/Sync')).stdout, /^aux\.txt/m);

  await fjord.cliWith({ input: 'kept here' }, 'put', '-', '/Sync/music');
  const path = page.getByLabel('Path in the drive, such as /Sync/Music');
  await path.fill('/Sync/nothing');
  await page.getByRole('button', { name: 'Pin', exact: true }).click();
  await page.getByRole('alert').filter({ hasText: 'nothing' }).waitFor();
  await path.fill('/Sync/music');
  await page.getByRole('button', { name: 'Pin', exact: true }).click();
  await page.getByText('all here').waitFor();
  t.match(await fjord.cli('pin'), { stdout: /\/Sync\/music/ });
  await page.getByRole('button', { name: 'Unpin /Sync/music' }).click();
  await page.getByText('all here').waitFor({ state: 'detached' });
  await fjord.cli('flush');
  await page.getByRole('button', { name: 'Free', exact: true }).click();
  await page.getByText(/^1 file freed/).waitFor();
  await checkAccessibility(t, page, 'pins');
  mkdirSync(join(home, 'papers'));
  await page.context().close();
});

t.test('limits, a wrong one too, and the log, on a phone', async (t) => {
  const page = await openPage(PHONE);
  await page.getByLabel('Sent, such as 2M or off').fill('fast');
  await page.getByRole('button', { name: 'Set' }).click();
  await page.getByRole('alert').filter({ hasText: 'fast' }).waitFor();
  await page.getByLabel('Sent, such as 2M or off').fill('2M');
  await page.getByRole('button', { name: 'Set' }).click();
  await page.getByRole('alert').filter({ hasText: 'fast' }).waitFor({ state: 'detached' });
  t.match(await fjord.cli('limit'), { stdout: /up {4}2\.0 MiB\/s/ });
  await page.getByRole('button', { name: 'Show the end of the log' }).click();
  await page.getByText('the gateway serves').waitFor();
  await checkAccessibility(t, page, 'status on a phone');
  const width: unknown = await page.evaluate('document.documentElement.scrollWidth');
  t.ok(Number(width) <= 320, 'nothing is wider than the screen');
  await screenshots(page, 'status-phone');
  await page.context().close();
});

t.test('quit', async (t) => {
  const page = await openPage(DESKTOP);
  await page.getByRole('button', { name: 'Quit' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Quit' }).click();
  await page.getByText('Fjord has ended.').waitFor();
  t.equal(await fjord.ended(), 0);
});
