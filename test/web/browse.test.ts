import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import t from 'tap';
import type { NodeRecord } from '../../src/cloud/records.ts';
import { Api } from '../helpers/cloud-api.ts';
import { login } from '../helpers/cloud.ts';
import { contentOf, mkdir, noise, put, remove } from '../helpers/intents.ts';
import { checkAccessibility, DESKTOP, PHONE, screenshots, sessionCookie, signIn, WebTest } from '../helpers/web-app.ts';

t.setTimeout(180_000);

const web = await WebTest.start(t);
const { url } = web.cloud;
const api = new Api(url, await web.cloud.login('laptop'));
const sync = await api.space('sync');

t.test('signing in, out, and a session that ended', async (t) => {
  const page = await web.page(PHONE);
  await page.goto(url);
  await screenshots(page, 'sign-in-phone');
  await checkAccessibility(t, page, 'sign in');
  await page.getByLabel('E-mail').fill(web.cloud.email);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The e-mail or the password is wrong.').waitFor();
  await signIn(page, web.cloud.email, web.cloud.password);
  const { value } = await sessionCookie(page.context());
  t.equal(await page.evaluate('document.cookie'), '', 'no script sees the session');
  t.notMatch(await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })'), value);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();

  await signIn(page, web.cloud.email, web.cloud.password);
  const { devices } = (await api.call('GET', '/v1/devices')).body as { devices: { id: string; platform: string }[] };
  for (const { id, platform } of devices) if (platform === 'web') await api.call('DELETE', `/v1/devices/${id}`);
  // The page may have noticed by itself, and have no such link any more.
  const trash = page.getByRole('link', { name: 'Trash' }).click();
  await Promise.race([trash.catch(() => undefined), page.getByRole('heading', { name: 'Sign in' }).waitFor()]);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

t.test('folders: addresses, back, reload, sort, keyboard', async (t) => {
  const folder = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Photos' }));
  await api.store(sync, 'b 10.txt', Buffer.alloc(3000));
  await api.store(sync, 'b 9.txt', Buffer.alloc(1));
  const inner = await api.done(mkdir({ space: sync.id, parent: folder.id, name: 'Summer' }));
  const page = await web.signedIn(DESKTOP);
  const names = async () => await page.locator('.body .name').allInnerTexts();
  await page.getByRole('link', { name: 'Photos' }).waitFor();
  t.same(await names(), ['Photos', 'b 9.txt', 'b 10.txt'], 'folders first, numbers by value');
  await page.getByRole('button', { name: 'Size' }).click();
  t.same(await names(), ['Photos', 'b 9.txt', 'b 10.txt']);
  await page.getByRole('button', { name: 'Size' }).click();
  t.same(await names(), ['Photos', 'b 10.txt', 'b 9.txt']);
  await checkAccessibility(t, page, 'folder');
  await screenshots(page, 'folder-desktop');

  await page.getByRole('link', { name: 'Photos' }).click();
  await page.getByRole('heading', { name: 'Photos' }).waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Summer' }).waitFor();
  t.equal(page.url(), `${url}/folder/${inner.id}`);
  await page.getByText('This folder is empty.').waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Summer' }).waitFor();
  t.equal(await page.title(), 'Summer – Fjord');
  await page.goBack();
  await page.getByRole('heading', { name: 'Photos' }).waitFor();
  await page.getByRole('navigation', { name: 'Path' }).getByRole('link', { name: 'Sync' }).click();
  await page.getByRole('link', { name: 'b 9.txt' }).waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('End');
  await page.keyboard.press('Space');
  await page.getByText('1 selected').waitFor();
  await page.keyboard.press('Control+a');
  await page.getByText('3 selected').waitFor();
  await screenshots(page, 'selection-desktop');
  await page.keyboard.press('Escape');
  await page.getByText('3 items').waitFor();

  await page.goto(`${url}/folder/none`);
  await page.getByText('This is not there any more').waitFor();
});

t.test('a file is downloaded as it is, and so are its older versions', async (t) => {
  const bytes = noise(3 * 1024 * 1024 + 17);
  const file = await api.store(sync, 'film.bin', noise(100));
  await api.upload(bytes);
  const place = { space: sync.id, parent: sync.root, name: file.name };
  await api.done(put(place, contentOf(bytes).wire, { node: file.id, base: file.version }));
  const page = await web.signedIn(PHONE, `/file/${file.id}`);
  await page.getByText('Current version').waitFor();
  await checkAccessibility(t, page, 'file');
  await screenshots(page, 'file-phone');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download', exact: true }).click(),
  ]);
  t.equal(download.suggestedFilename(), 'film.bin');
  t.equal(sha256(await readFile(await download.path())), sha256(bytes));
  const [old] = await Promise.all([
    page.waitForEvent('download'),
    page
      .getByRole('link', { name: /Download the version/ })
      .last()
      .click(),
  ]);
  t.equal((await readFile(await old.path())).length, 100);
  await page.getByRole('button', { name: /Restore the version/ }).click();
  await page.getByText('The older version is the current one again.').waitFor();
  t.equal((await api.content(file.version ?? '')).length, 100);
  const range = await page.evaluate(async (version) => {
    const answer = await fetch(`/v1/versions/${version}/content`, { headers: { range: 'bytes=5-9' } });
    return [answer.status, (await answer.arrayBuffer()).byteLength];
  }, file.version);
  t.same(range, [206, 5]);
});

t.test('names are text, whatever they contain', async (t) => {
  const home = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'hostile' }));
  const names = [
    `<img src=x onerror="document.title='run'">`,
    'invoice\u202Efdp.exe',
    'two\nlines',
    'é'.repeat(127),
    '"><script>alert(1)<script>',
    ' ',
    '..%2f..%2fetc',
    'javascript:alert(1)',
  ];
  const nodes: NodeRecord[] = [];
  for (const name of names) {
    nodes.push(await api.done(put({ space: sync.id, parent: home.id, name }, { size: 0, blocks: '' })));
  }
  await api.done(mkdir({ space: sync.id, parent: home.id, name: '<b>bold' }));
  const page = await web.signedIn(PHONE, `/folder/${home.id}`);
  await page.getByText('<b>bold').waitFor();
  t.equal(await page.locator('.body img, .body b').count(), 0);
  t.ok(await page.getByText('invoice\uFFFDfdp.exe').isVisible());
  t.ok(await page.getByText('two\uFFFDlines').isVisible());
  const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
  t.ok(width <= 320, `nothing is wider than the screen: ${width}`);
  await checkAccessibility(t, page, 'hostile names');
  await screenshots(page, 'hostile-phone');
  for (const { id } of nodes) {
    await page.goto(`${url}/file/${id}`);
    await page.getByText('Current version').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Download', exact: true }).click(),
    ]);
    t.notMatch(download.suggestedFilename(), /[/\n\u202E]/);
  }
  t.not(await page.title(), 'run');
});

t.test('a change made elsewhere shows without a reload', async () => {
  const home = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'live' }));
  const page = await web.signedIn(DESKTOP, `/folder/${home.id}`);
  await page.getByText('This folder is empty.').waitFor();
  const file = await api.done(
    put({ space: sync.id, parent: home.id, name: 'from the laptop' }, { size: 0, blocks: '' }),
  );
  await page.getByRole('link', { name: 'from the laptop' }).waitFor();
  const from = { parent: home.id, name: 'from the laptop' };
  await api.done({ op: 'move', id: 'm', space: sync.id, node: file.id, from, parent: home.id, name: 'renamed' });
  await page.getByRole('link', { name: 'renamed' }).waitFor();
  await api.done(remove(sync.id, file.id, file.version, 1e9));
  await page.getByText('This folder is empty.').waitFor();
  await api.done({
    op: 'move',
    id: 'n',
    space: sync.id,
    node: home.id,
    from: { parent: sync.root, name: 'live' },
    parent: sync.root,
    name: 'Living',
  });
  await page.getByRole('heading', { name: 'Living' }).waitFor();
  await api.done(remove(sync.id, home.id, null, 1e9));
  await page.getByText('This is not there any more').waitFor();
});

t.test('a hundred thousand entries: sorted, as rows and as tiles, selected, and too many for an archive', async (t) => {
  const home = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'large' }));
  for (let at = 0; at < 100_000; at += 500) {
    const batch = Array.from({ length: 500 }, (_, index) => `file ${at + index}`);
    await api.commit(...batch.map((name) => put({ space: sync.id, parent: home.id, name }, { size: 0, blocks: '' })));
  }
  const page = await web.signedIn(DESKTOP, `/folder/${home.id}`);
  await page.getByText('100,000 items').waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('End');
  await page.getByRole('link', { name: 'file 99999' }).waitFor();
  t.ok((await page.locator('.body .row').count()) < 100, 'only what is in view is in the page');

  await page.getByRole('button', { name: 'Size' }).click();
  await page.getByRole('button', { name: 'Name' }).click();
  await page.getByRole('button', { name: 'Name' }).click();
  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await page.locator('.body .row').filter({ hasText: 'file 99998' }).waitFor();
  await page.keyboard.press('End');
  await page.getByRole('link', { name: 'file 0', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Name' }).click();

  await page.getByRole('button', { name: 'Show as tiles' }).click();
  await page.getByRole('grid').focus();
  await page.keyboard.press('End');
  await page.getByRole('link', { name: 'file 99999' }).waitFor();
  t.ok((await page.locator('.tile').count()) < 200, 'so it is with tiles');
  await page.keyboard.press('Control+a');
  await page.getByText('100,000 selected').waitFor();
  await page.getByRole('button', { name: 'Download' }).click();
  await page.getByText('An archive takes at most 300 selected items.').waitFor();
});

t.test('backups by computer and set; nothing of another account', async (t) => {
  const home = (await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'Documents' })).body as typeof sync;
  await api.store(home, 'letter.txt', Buffer.from('Dear'));
  const page = await web.signedIn(PHONE, '/backups');
  await page.getByRole('heading', { name: 'laptop' }).waitFor();
  await checkAccessibility(t, page, 'backups');
  await screenshots(page, 'backups-phone');
  await page.getByRole('link', { name: 'Documents' }).click();
  await page.getByRole('link', { name: 'letter.txt' }).waitFor();

  await web.cloud.cloud.accounts.add('eve@example.org', 'correct horse battery');
  const eve = new Api(url, await login(url, 'eve@example.org', 'correct horse battery'));
  const other = await eve.space('sync');
  const secret = await eve.store(other, 'secret', Buffer.from('secret'));
  for (const address of [`/folder/${other.root}`, `/file/${secret.id}`]) {
    await page.goto(url + address);
    await page.getByText('This is not there any more').waitFor();
  }
  t.equal((await page.request.get(`${url}/v1/versions/${secret.version}/content`)).status(), 404);
});

t.test('no page has failed or broken its policy', async (t) => t.same(web.complaints, []));

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
