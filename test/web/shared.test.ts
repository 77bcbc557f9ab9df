import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import type { LinkRecord, NodeRecord } from '../../src/cloud/records.ts';
import { Api } from '../helpers/cloud-api.ts';
import { login } from '../helpers/cloud.ts';
import { contentOf, mkdir, put } from '../helpers/intents.ts';
import { checkAccessibility, DESKTOP, PHONE, screenshots, signIn, WebTest } from '../helpers/web-app.ts';

t.setTimeout(180_000);

const web = await WebTest.start(t);
const { url, cloud } = web.cloud;
const api = new Api(url, await web.cloud.login('laptop'));
const sync = await api.space('sync');
const BOB = 'bob@example.org';
const PASSWORD = 'correct horse battery';
await cloud.accounts.add(BOB, PASSWORD);
const bob = new Api(url, await login(url, BOB, PASSWORD));

async function file(parent: string, name: string, text: string): Promise<NodeRecord> {
  const bytes = Buffer.from(text);
  await api.upload(bytes);
  return await api.done(put({ space: sync.id, parent, name }, contentOf(bytes).wire));
}

t.test('a folder, and a selection, is downloaded as one archive', async (t) => {
  const folder = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Fotos – 雪' }));
  const inner = await api.done(mkdir({ space: sync.id, parent: folder.id, name: 'inner' }));
  await file(inner.id, 'a.txt', 'a');
  await file(folder.id, 'b.txt', 'b');
  const page = await web.signedIn(DESKTOP, `/folder/${folder.id}`);
  const link = page.getByRole('link', { name: 'Download as a ZIP archive' });
  const [whole] = await Promise.all([page.waitForEvent('download'), link.click()]);
  t.equal(whole.suggestedFilename(), 'Fotos – 雪.zip');
  const { stdout } = await promisify(execFile)('unzip', ['-Z1', await whole.path()], {
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  t.same(stdout.trim().split('\n'), ['Fotos – 雪/', 'Fotos – 雪/b.txt', 'Fotos – 雪/inner/', 'Fotos – 雪/inner/a.txt']);
  await page.getByRole('grid').focus();
  await page.keyboard.press('Control+a');
  const [selected] = await Promise.all([page.waitForEvent('download'), link.click()]);
  await promisify(execFile)('unzip', ['-tqq', await selected.path()]);
});

t.test('a folder is shared, accepted, shown where it is, and left', async (t) => {
  const above = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Work' }));
  const team = await api.done(mkdir({ space: sync.id, parent: above.id, name: 'Team' }));
  await file(team.id, 'plan.txt', 'the plan');
  const page = await web.signedIn(DESKTOP, `/folder/${above.id}`);
  await page.getByLabel('Select Team').check();
  await page.getByRole('button', { name: 'Share' }).click();
  await page.getByLabel('E-mail').fill(BOB);
  await page.locator('select[name=role]').selectOption('viewer');
  await checkAccessibility(t, page, 'share');
  await screenshots(page, 'share-desktop');
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });

  const other = await web.page(PHONE);
  await other.goto(`${url}/shared`);
  await signIn(other, BOB, PASSWORD);
  await other.getByText('invites you as viewer').waitFor();
  await checkAccessibility(t, other, 'invitation');
  await screenshots(other, 'invitation-phone');
  await other.getByRole('button', { name: 'Accept Team' }).click();
  await other.getByRole('link', { name: 'Team' }).click();
  await other.getByRole('link', { name: 'plan.txt' }).waitFor();
  await other.getByRole('heading', { name: 'Team' }).waitFor();
  t.equal(await other.getByRole('button', { name: 'New folder' }).count(), 0, 'a viewer only reads');
  await screenshots(other, 'shared-folder-phone');

  await page.getByRole('link', { name: 'Team' }).click();
  await page.getByRole('link', { name: 'plan.txt' }).waitFor();
  await page.getByRole('navigation', { name: 'Path' }).getByRole('link', { name: 'Work' }).waitFor();
  await page.goto(`${url}/folder/${team.id}`);
  await page.getByRole('link', { name: 'plan.txt' }).waitFor();
  t.not(page.url(), `${url}/folder/${team.id}`, 'the address of its place leads to it, too');

  await page.goto(`${url}/shared`);
  await page.getByRole('button', { name: 'Members of Team' }).click();
  await page.getByLabel(`Role of ${BOB}`).selectOption('editor');
  await page.getByText('Editor', { exact: true }).first().waitFor();
  await checkAccessibility(t, page, 'members');
  await screenshots(page, 'members-desktop');
  await other.getByRole('button', { name: 'New folder' }).waitFor();
  await page.getByRole('button', { name: `Remove ${BOB}` }).click();
  await other.getByText('This is not there any more').waitFor();
  t.same((await bob.call('GET', '/v1/shares')).body.shares, []);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'Stop sharing Team' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop sharing' }).click();
  await page.getByText('No shared folders.').waitFor();
  t.same((await api.call('GET', '/v1/shares')).body.shares, []);
});

t.test('a public link is made, copied, opened without an account, and ended', async (t) => {
  const folder = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Holidays <b>' }));
  const page = await web.signedIn(PHONE, `/folder/${folder.id}`);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('navigation', { name: 'Path' }).getByRole('link', { name: 'Sync' }).click();
  await page.getByLabel('Select Holidays <b>').check();
  t.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= 320, 'all buttons fit on the screen');
  await screenshots(page, 'selection-phone');
  await page.getByRole('button', { name: 'Public link' }).click();
  await page.getByLabel('Ends').selectOption('7');
  await page.getByLabel('Password (optional)').fill('open sesame');
  await page.getByRole('button', { name: 'Make a link' }).click();
  await page.getByText('with a password, until').waitFor();
  await page.getByLabel('Takes files and shows nothing').check();
  await checkAccessibility(t, page, 'link');
  await screenshots(page, 'link-phone');
  await page.getByRole('button', { name: 'Make a link' }).click();
  await page.getByText('takes files', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Close' }).click();

  await page.goto(`${url}/shared`);
  await page.getByRole('button', { name: 'Copy address of Holidays <b>' }).last().click();
  const locked = String(await page.evaluate('navigator.clipboard.readText()'));
  await screenshots(page, 'links-phone');
  await checkAccessibility(t, page, 'links');

  const links: LinkRecord[] = (await api.call('GET', '/v1/links')).body.links;
  const guest = await web.page(PHONE);
  await guest.goto(`${url}/l/${links.find(({ upload }) => upload)?.token}`);
  await checkAccessibility(t, guest, 'upload page');
  t.ok(Number(await guest.evaluate('document.documentElement.scrollWidth')) <= 320);
  await screenshots(guest, 'link-upload-phone');
  await guest.getByLabel('Files').setInputFiles([
    {
      name: 'from a guest.html',
      mimeType: 'text/html',
      buffer: Buffer.from('<script>document.title = "run"</script>'),
    },
    { name: '雪.txt', mimeType: '', buffer: Buffer.from('snow') },
  ]);
  await guest.getByRole('button', { name: 'Send' }).click();
  await guest.getByText('2 files were received.').waitFor();

  await guest.goto(locked);
  await guest.getByLabel('Password').fill('wrong');
  await guest.getByRole('button', { name: 'Open' }).click();
  await guest.getByText('The password is wrong.').waitFor();
  await checkAccessibility(t, guest, 'password page');
  await screenshots(guest, 'link-password-phone');
  await guest.getByLabel('Password').fill('open sesame');
  await guest.getByRole('button', { name: 'Open' }).click();
  await guest.getByRole('heading', { name: 'Holidays <b>' }).waitFor();
  await checkAccessibility(t, guest, 'listing');
  await screenshots(guest, 'link-folder-phone');
  const [html] = await Promise.all([
    guest.waitForEvent('download'),
    guest.getByRole('link', { name: 'from a guest.html' }).click(),
  ]);
  t.equal(html.suggestedFilename(), 'from a guest.html');
  t.not(await guest.title(), 'run');
  const [zip] = await Promise.all([guest.waitForEvent('download'), guest.getByText('Download all (ZIP)').click()]);
  await promisify(execFile)('unzip', ['-tqq', await zip.path()]);
  await guest.setViewportSize(DESKTOP.viewport);
  await screenshots(guest, 'link-folder-desktop');

  await page.getByRole('button', { name: 'End link to Holidays <b>' }).last().click();
  await page.getByText('with a password').waitFor({ state: 'detached' });
  await guest.reload();
  await guest.getByRole('heading', { name: 'Nothing here' }).waitFor();
});

t.test('no page has failed or broken its policy', async (t) => t.same(web.complaints, []));
