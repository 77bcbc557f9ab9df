import t from 'tap';
import { Api } from '../helpers/cloud-api.ts';
import { mkdir, put } from '../helpers/intents.ts';
import { checkAccessibility, DESKTOP, PHONE, screenshots, WebTest } from '../helpers/web-app.ts';

t.setTimeout(120_000);

const web = await WebTest.start(t);
const api = new Api(web.cloud.url, await web.cloud.login('laptop'));
const sync = await api.space('sync');
const photos = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Photos' }));
const summer = await api.done(mkdir({ space: sync.id, parent: photos.id, name: 'Summer' }));
await api.done(
  put({ space: sync.id, parent: summer.id, name: 'beach 1/2?#%.jpg'.replace('/', '∕') }, { size: 0, blocks: '' }),
);
const page = await web.signedIn(PHONE);

t.test('what is typed is found in all folders, and the address keeps it', async (t) => {
  await page.getByRole('link', { name: 'Search' }).click();
  await page.getByRole('searchbox').fill('BEACH 1');
  await page.getByText('1 item found.').waitFor();
  const result = page.getByRole('link', { name: /beach 1/ });
  t.match(await result.innerText(), 'Sync / Photos / Summer');
  await checkAccessibility(t, page, 'search');
  await screenshots(page, 'search-phone');
  await page.reload();
  await page.getByText('1 item found.').waitFor();
  await result.click();
  await page.getByText('Current version').waitFor();
  await page.goBack();
  await page.getByText('1 item found.').waitFor();
  await page.getByRole('searchbox').fill('?#%');
  await page.getByText('1 item found.').waitFor();
  await page.reload();
  await page.getByText('1 item found.').waitFor();
  await page.getByRole('searchbox').fill('nothing of this name');
  await page.getByText('Nothing found.').waitFor();
});

t.test('a folder is opened', async (t) => {
  const desktop = await web.signedIn(DESKTOP, '/search/summer');
  await desktop.getByRole('link', { name: /Summer/ }).click();
  await desktop.getByRole('heading', { name: 'Summer' }).waitFor();
  t.equal(desktop.url(), `${web.cloud.url}/folder/${summer.id}`);
});

t.test('the pages complained about nothing', async (t) => {
  t.same(web.complaints, []);
});
