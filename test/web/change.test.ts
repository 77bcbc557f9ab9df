import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { NodeRecord } from '../../src/cloud/records.ts';
import { Api } from '../helpers/cloud-api.ts';
import { contentOf, mkdir, noise, put, symlink } from '../helpers/intents.ts';
import { temporary } from '../helpers/temporary.ts';
import { checkAccessibility, DESKTOP, PHONE, screenshots, WebTest } from '../helpers/web-app.ts';

t.setTimeout(180_000);

const web = await WebTest.start(t);
const { url } = web.cloud;
const api = new Api(url, await web.cloud.login('laptop'));
const sync = await api.space('sync');
const archive = await api.space('archive');
const empty = { size: 0, blocks: '' };

/** A new folder of Sync with a page that shows it. */
async function folderPage(name: string, options: typeof DESKTOP | typeof PHONE): Promise<[NodeRecord, Page]> {
  const folder = await api.done(mkdir({ space: sync.id, parent: sync.root, name }));
  return [folder, await web.signedIn(options, `/folder/${folder.id}`)];
}

/** Starts an upload as the button does. */
async function choose(page: Page, files: Parameters<Page['setInputFiles']>[1], label = 'Upload files'): Promise<void> {
  await page.getByLabel(label).locator('xpath=self::input').setInputFiles(files);
}

async function children(folder: string): Promise<NodeRecord[]> {
  return (await api.call('GET', `/v1/nodes/${folder}/children`)).body as NodeRecord[];
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

t.test('files are uploaded as they are; known blocks are not sent', async (t) => {
  const [folder, page] = await folderPage('upload', DESKTOP);
  const bytes = noise(8 * 1024 * 1024 + 5);
  let sent = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/v1/blocks')) sent++;
  });
  await choose(page, [
    { name: 'film.bin', mimeType: '', buffer: bytes },
    { name: 'empty.txt', mimeType: '', buffer: Buffer.alloc(0) },
    { name: 'small.txt', mimeType: '', buffer: Buffer.from('small') },
  ]);
  await page.getByText('3 of 3 uploaded').waitFor();
  await page.getByRole('link', { name: 'film.bin' }).waitFor();
  await checkAccessibility(t, page, 'uploads');
  await screenshots(page, 'upload-desktop');
  const nodes = await children(folder.id);
  t.same(
    nodes.map(({ name }) => name),
    ['empty.txt', 'film.bin', 'small.txt'],
  );
  t.equal(sha256(await api.content(nodes[1]?.version ?? '')), sha256(bytes));
  t.equal(sent, 3, 'two batches of seven blocks at most, and one block');

  await choose(page, { name: 'again.bin', mimeType: '', buffer: bytes });
  await page.getByText('4 of 4 uploaded').waitFor();
  t.equal(sent, 3, 'all blocks were there');
});

t.test('a name that is in use: replace, keep both, skip', async (t) => {
  const [folder, page] = await folderPage('names', PHONE);
  const old = await api.done(put({ space: sync.id, parent: folder.id, name: 'a.txt' }, empty));
  await api.done(mkdir({ space: sync.id, parent: folder.id, name: 'folder' }));
  const upload = async (name: string, text: string) => choose(page, { name, mimeType: '', buffer: Buffer.from(text) });
  await upload('a.txt', 'both');
  await page.getByText('A file of this name exists.').waitFor();
  await checkAccessibility(t, page, 'a question');
  await screenshots(page, 'question-phone');
  await page.getByRole('button', { name: 'Keep both' }).click();
  await page.getByRole('link', { name: 'a (2).txt' }).waitFor();
  await upload('a.txt', 'replaced');
  await page.getByRole('button', { name: 'Replace' }).click();
  await page.getByText('2 of 2 uploaded').waitFor();
  await upload('folder', 'no');
  await page.getByText('A folder has this name.').waitFor();
  t.equal(await page.getByRole('button', { name: 'Replace' }).count(), 0);
  await page.getByRole('button', { name: 'Skip' }).click();
  await page.getByText('Skipped').waitFor();
  const file = (await children(folder.id)).find(({ name }) => name === 'a.txt');
  t.equal(file?.id, old.id, 'the file has a new version');
  t.equal(String(await api.content(file?.version ?? '')), 'replaced');
  t.equal(((await api.call('GET', `/v1/nodes/${old.id}/versions`)).body as { versions: object[] }).versions.length, 2);
});

t.test('a broken connection is waited for, and what was sent is not sent again', async (t) => {
  const [folder, page] = await folderPage('broken', DESKTOP);
  const bytes = noise(15 * 1024 * 1024);
  const sizes: number[] = [];
  let broken = true;
  await page.route('**/v1/blocks', async (route) => {
    if (broken && sizes.length === 1) return route.abort('connectionreset');
    sizes.push(route.request().postDataBuffer()?.length ?? 0);
    return route.continue();
  });
  await choose(page, { name: 'film.bin', mimeType: '', buffer: bytes });
  await page.getByText('No connection: continues by itself').waitFor();
  broken = false;
  await page.getByText('1 of 1 uploaded').waitFor();
  const [node] = await children(folder.id);
  t.equal(sha256(await api.content(node?.version ?? '')), sha256(bytes));
  t.equal(sizes.length, 3);
});

t.test('an upload is cancelled and started again', async (t) => {
  const [folder, page] = await folderPage('cancel', DESKTOP);
  let held = true;
  await page.route('**/v1/blocks', async (route) => (held ? undefined : route.continue()));
  await choose(page, { name: 'film.bin', mimeType: '', buffer: noise(3_000_000) });
  await page.getByRole('button', { name: 'Cancel the upload of film.bin' }).click();
  await page.getByText('Cancelled').waitFor();
  t.same(await children(folder.id), []);
  held = false;
  await page.getByRole('button', { name: 'Try again: film.bin' }).click();
  await page.getByText('1 of 1 uploaded').waitFor();
  t.equal((await children(folder.id)).length, 1);
  await page.getByRole('button', { name: 'Clear finished' }).click();
  t.equal(await page.getByText('1 of 1 uploaded').count(), 0);
});

t.test('a folder is uploaded with everything in it', async (t) => {
  const [folder, page] = await folderPage('tree', DESKTOP);
  const local = temporary(t);
  mkdirSync(join(local, 'photos/2026'), { recursive: true });
  for (const path of ['photos/a.txt', 'photos/2026/b.txt', 'photos/2026/c.txt']) writeFileSync(join(local, path), path);
  await choose(page, join(local, 'photos'), 'Upload a folder');
  await page.getByText('3 of 3 uploaded').waitFor();
  const [photos] = await children(folder.id);
  const inner = await children(photos?.id ?? '');
  t.same(
    inner.map(({ name }) => name),
    ['2026', 'a.txt'],
  );
  t.same(
    (await children(inner[0]?.id ?? '')).map(({ name }) => name),
    ['b.txt', 'c.txt'],
  );
});

t.test('files are dropped', async (t) => {
  const [folder, page] = await folderPage('drop', DESKTOP);
  const data = await page.evaluateHandle(`(() => {
    const data = new DataTransfer();
    data.items.add(new File(['dropped'], 'dropped.txt'));
    return data;
  })()`);
  await page.locator('.drop-zone').dispatchEvent('dragover', { dataTransfer: data });
  await page.getByText('Drop files here to upload them').waitFor();
  await page.locator('.drop-zone').dispatchEvent('drop', { dataTransfer: data });
  await page.getByRole('link', { name: 'dropped.txt' }).waitFor();
  t.equal(String(await api.content((await children(folder.id))[0]?.version ?? '')), 'dropped');
});

t.test('new folder, rename, move, delete, restore', async (t) => {
  const [folder, page] = await folderPage('change', PHONE);
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'New folder' }).click();
  await dialog.getByLabel('Name').fill('a/b');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByText('This name is not possible').waitFor();
  await checkAccessibility(t, page, 'dialog');
  await screenshots(page, 'dialog-phone');
  await dialog.getByLabel('Name').fill('inner');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('link', { name: 'inner' }).waitFor();
  await api.done(put({ space: sync.id, parent: folder.id, name: 'letter.txt' }, empty));

  await page.getByLabel('Select letter.txt').check();
  await page.getByRole('grid').focus();
  await page.keyboard.press('F2');
  await dialog.getByLabel('New name').fill('inner');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await dialog.getByText('The name is already in use here.').waitFor();
  const long = 'é'.repeat(127);
  await dialog.getByLabel('New name').fill(long);
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('link', { name: long }).waitFor();

  await page.getByRole('button', { name: 'Move' }).click();
  await screenshots(page, 'move-phone');
  await checkAccessibility(t, page, 'move');
  await dialog.getByRole('button', { name: 'inner' }).click();
  await dialog.getByText('Move into inner').waitFor();
  await dialog.getByRole('button', { name: 'Move here' }).click();
  await page.getByText('1 item moved.').waitFor();
  t.equal(await page.getByRole('link', { name: long }).count(), 0);

  await page.getByLabel('Select inner').check();
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('This folder is empty.').waitFor();

  await page.getByRole('link', { name: 'Trash' }).click();
  await checkAccessibility(t, page, 'trash');
  await screenshots(page, 'trash-phone');
  await page.getByRole('button', { name: 'Restore inner' }).click();
  await page.getByText('The Trash is empty.').waitFor();
  const [inner] = await children(folder.id);
  t.equal((await children(inner?.id ?? ''))[0]?.name, long);
});

t.test('copies, with all that is in a folder, and by reference', async (t) => {
  const [folder, page] = await folderPage('copies', PHONE);
  const inner = await api.done(mkdir({ space: sync.id, parent: folder.id, name: 'inner' }));
  const place = { space: sync.id, parent: inner.id };
  await api.upload(Buffer.from('text'));
  const text = contentOf(Buffer.from('text')).wire;
  await api.commit(...Array.from({ length: 250 }, (_, i) => put({ ...place, name: `file ${i}` }, text)));
  await api.done(mkdir({ ...place, name: 'empty' }));
  await api.done(symlink({ ...place, name: 'link' }, 'file 1'));
  const used = (await api.call('GET', '/v1/usage')).body.used as number;
  const dialog = page.getByRole('dialog');
  await page.getByLabel('Select inner').check();
  await screenshots(page, 'selected-phone');
  await page.getByRole('button', { name: 'Copy' }).click();
  await checkAccessibility(t, page, 'copy');
  await dialog.getByRole('button', { name: 'Copy here' }).click();
  await page.getByText('1 item copied.').waitFor();
  const copy = (await children(folder.id)).find(({ name }) => name === 'inner (2)');
  const copied = await children(copy?.id ?? '');
  t.equal(copied.length, 252);
  t.equal(String(await api.content(copied.find(({ name }) => name === 'file 249')?.version ?? '')), 'text');
  t.equal(copied.find(({ name }) => name === 'link')?.target, 'file 1');
  t.equal((await api.call('GET', '/v1/usage')).body.used, used, 'no content is stored again');
});

t.test('what was done is taken back', async (t) => {
  const [folder, page] = await folderPage('undo', PHONE);
  const target = await api.done(mkdir({ space: sync.id, parent: folder.id, name: 'target' }));
  await api.store({ ...sync, root: folder.id }, 'a.txt', Buffer.from('a'));
  const dialog = page.getByRole('dialog');
  const undo = page.getByRole('button', { name: 'Undo' });
  await page.getByLabel('Select a.txt').check();
  await page.getByRole('button', { name: 'Rename' }).click();
  await dialog.getByLabel('New name').fill('b.txt');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('link', { name: 'b.txt' }).waitFor();
  await checkAccessibility(t, page, 'undo');
  await screenshots(page, 'undo-phone');
  await undo.click();
  await page.getByRole('link', { name: 'a.txt' }).waitFor();

  await page.getByRole('button', { name: 'Move' }).click();
  await dialog.getByRole('button', { name: 'target' }).click();
  await dialog.getByText('Move into target').waitFor();
  await dialog.getByRole('button', { name: 'Move here' }).click();
  await page.getByRole('link', { name: 'a.txt' }).waitFor({ state: 'detached' });
  t.equal((await children(target.id)).length, 1);
  await undo.click();
  await page.getByRole('link', { name: 'a.txt' }).waitFor();

  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('link', { name: 'a.txt' }).waitFor({ state: 'detached' });
  await undo.click();
  await page.getByRole('link', { name: 'a.txt' }).waitFor();
  t.equal((await children(folder.id)).length, 2);
});

t.test('a folder in which another computer has changed something is not deleted unseen', async (t) => {
  const [folder, page] = await folderPage('unseen', DESKTOP);
  const inner = await api.done(mkdir({ space: sync.id, parent: folder.id, name: 'inner' }));
  await page.getByLabel('Select inner').check();
  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  // The page does not hear of it.
  await page.route('**/feed*', (route) => route.abort());
  await api.done(put({ space: sync.id, parent: inner.id, name: 'new' }, empty));
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByText('Something in the folder has just been changed').waitFor();
  t.equal((await children(folder.id)).length, 1);
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.waitFor({ state: 'detached' });
  t.same(await children(folder.id), []);
});

t.test('the Archive takes files, and gives them up for the password alone', async (t) => {
  const page = await web.signedIn(DESKTOP, `/folder/${archive.root}`);
  await choose(page, { name: 'deed.pdf', mimeType: '', buffer: Buffer.from('deed') });
  await page.getByLabel('Select deed.pdf').check();
  t.equal(await page.getByRole('button', { name: 'Rename' }).count(), 0);
  t.equal(await page.getByRole('button', { name: 'Move' }).count(), 0);
  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Password').fill('not the password');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByText('The password is wrong.').waitFor();
  t.equal((await children(archive.root)).length, 1);
  await dialog.getByLabel('Password').fill(web.cloud.password);
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('This folder is empty.').waitFor();
});

t.test('a backup is read, and gives files up for the password alone; devices are revoked', async (t) => {
  const backup = (await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'home' })).body as typeof sync;
  await api.store(backup, 'letter.txt', Buffer.from('Dear'));
  const page = await web.signedIn(DESKTOP, `/folder/${backup.root}`);
  await page.getByLabel('Select letter.txt').check();
  for (const name of ['Upload files', 'New folder', 'Rename', 'Move']) {
    t.equal(await page.getByRole('button', { name }).count(), 0, name);
  }
  t.ok(await page.getByRole('link', { name: 'Download' }).isVisible());
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.getByRole('dialog').getByText('Copy into Sync').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Copy here' }).click();
  await page.getByText('1 item copied.').waitFor();
  const copy = (await children(sync.root)).find(({ name }) => name === 'letter.txt');
  t.equal(String(await api.content(copy?.version ?? '')), 'Dear');

  await page.getByRole('button', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('nothing changes on the computer').waitFor();
  await screenshots(page, 'remove-backup-desktop');
  await dialog.getByLabel('Password').fill('not the password');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByText('The password is wrong.').waitFor();
  t.equal((await children(backup.root)).length, 1);
  await dialog.getByLabel('Password').fill(web.cloud.password);
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('This folder is empty.').waitFor();
  await page.getByRole('link', { name: 'Trash' }).click();
  await page.getByRole('button', { name: 'Restore letter.txt' }).click();
  await page.getByRole('dialog').getByLabel('Password').fill(web.cloud.password);
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await page.getByText('letter.txt was restored.').waitFor();
  t.same(
    (await children(backup.root)).map(({ name }) => name),
    ['letter.txt'],
  );

  const tablet = new Api(url, await web.cloud.login('tablet'));
  await page.getByRole('link', { name: 'Devices' }).click();
  await page.getByRole('button', { name: 'Revoke access of tablet' }).click();
  await screenshots(page, 'devices-desktop');
  await checkAccessibility(t, page, 'devices');
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke access' }).click();
  await page.getByRole('button', { name: 'Revoke access of tablet' }).waitFor({ state: 'detached' });
  t.equal((await tablet.call('GET', '/v1/spaces')).status, 401);
});

t.test('no page has failed or broken its policy', async (t: Test) => t.same(web.complaints, []));
