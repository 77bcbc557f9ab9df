import t from 'tap';
import { startCloud } from '../../src/cloud/server/service.ts';
import { Api } from '../helpers/cloud-api.ts';
import { login } from '../helpers/cloud.ts';
import { mkdir } from '../helpers/intents.ts';
import { temporary } from '../helpers/temporary.ts';
import { builtWebApp, checkAccessibility, launchBrowser, PHONE, screenshots, signIn } from '../helpers/web-app.ts';

t.setTimeout(120_000);

t.test('what was seen is shown without a connection, and nothing of it after signing out', async (t) => {
  const [web, browser] = await Promise.all([builtWebApp(t), launchBrowser(t)]);
  const data = temporary(t);
  const [email, password] = ['ada@example.org', 'correct horse battery'];
  const open = async (port: number) => startCloud({ host: '127.0.0.1', port, data, web });
  let cloud = await open(0);
  const { port, url } = cloud;
  await cloud.accounts.add(email, password);
  const api = new Api(url, await login(url, email, password));
  const sync = await api.space('sync');
  const folder = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Photos' }));
  await api.done(mkdir({ space: sync.id, parent: folder.id, name: 'Summer' }));
  await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Unseen' }));

  const context = await browser.newContext(PHONE);
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  await page.goto(url);
  await signIn(page, email, password);
  await page.evaluate('navigator.serviceWorker.ready.then(() => undefined)');
  await page.reload();
  await page.getByRole('link', { name: 'Photos' }).click();
  await page.getByRole('link', { name: 'Summer' }).waitFor();
  await cloud.close();

  await page.reload();
  await page.getByRole('link', { name: 'Summer' }).waitFor();
  await page.getByText('No connection to the cloud. This page may be out of date.').waitFor();
  await checkAccessibility(t, page, 'offline');
  await screenshots(page, 'offline-phone');
  await page.getByRole('navigation', { name: 'Path' }).getByRole('link', { name: 'Sync' }).click();
  await page.getByRole('link', { name: 'Unseen' }).click();
  await page.getByText('This could not be loaded.').waitFor();

  cloud = await open(port);
  t.teardown(async () => cloud.close());
  await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Later' }));
  await page.goto(url);
  await page.getByRole('link', { name: 'Later' }).waitFor();
  t.same(await page.evaluate('caches.has("seen")'), true);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  t.same(await page.evaluate('caches.has("seen")'), false);
  await cloud.close();
  await page.reload();
  t.equal(await page.getByText('Photos').count(), 0);
});
