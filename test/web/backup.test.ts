import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { becomes, mirror } from '../helpers/backups.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { checkAccessibility, launchBrowser, PHONE, screenshots, signIn } from '../helpers/web-app.ts';

t.setTimeout(400_000);

t.test('what the web app does to a backup never reaches the computer, whose next change puts it right', async (t) => {
  const [fjord, browser] = await Promise.all([startFjord(t), launchBrowser(t)]);
  const base = mkdtempSync(join(tmpdir(), 'fjord-source-'));
  t.teardown(() => rmSync(base, { recursive: true, force: true }));
  const folder = join(base, 'papers');
  mkdirSync(folder);
  const names = ['changed.txt', 'kept.txt', 'removed.txt'];
  for (const name of names) writeFileSync(join(folder, name), `${name} of the computer`);
  t.match(await fjord.cli('backup', 'add', folder), { code: 0 });
  const all = Object.fromEntries(names.map((name) => [name, `${name} of the computer`]));
  t.same(await becomes(fjord, 'papers', all), all);

  const { url, email, password } = fjord.cloud;
  const context = await browser.newContext({ ...PHONE, locale: 'en-GB' });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  await page.goto(new URL('/backups', url).href);
  await signIn(page, email, password);
  await page.getByRole('link', { name: 'papers' }).click();
  await page.getByRole('link', { name: 'changed.txt' }).click();
  await page.getByRole('button', { name: 'Replace' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Nothing changes on the computer').waitFor();
  const buffer = Buffer.from('changed.txt of the web app');
  await dialog.getByLabel('New content').setInputFiles({ name: 'anything.txt', mimeType: '', buffer });
  await checkAccessibility(t, page, 'replace');
  await screenshots(page, 'replace-backup-phone');
  await dialog.getByLabel('Password').fill('not the password');
  await dialog.getByRole('button', { name: 'Replace' }).click();
  await dialog.getByText('The password is wrong.').waitFor();
  await dialog.getByLabel('Password').fill(password);
  await dialog.getByRole('button', { name: 'Replace' }).click();
  await page.getByText('1 of 1 uploaded').waitFor();
  await page.getByText('Older version').waitFor();

  await page.goBack();
  await page.getByLabel('Select removed.txt').check();
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByLabel('Password').fill(password);
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('link', { name: 'removed.txt' }).waitFor({ state: 'detached' });

  const ofTheApp = { 'changed.txt': 'changed.txt of the web app', 'kept.txt': 'kept.txt of the computer' };
  t.same(await becomes(fjord, 'papers', ofTheApp), ofTheApp);
  t.match(await fjord.cli('backup', 'run', 'papers', '--wait'), { code: 0 });
  t.same(await mirror(fjord, 'papers'), ofTheApp, 'a run leaves alone what the owner has done');
  for (const name of names) t.equal(readFileSync(join(folder, name), 'utf8'), `${name} of the computer`, name);

  // The agent watches the folder: it sends the change without being told.
  appendFileSync(join(folder, 'changed.txt'), ', later');
  const changed = { ...ofTheApp, 'changed.txt': 'changed.txt of the computer, later' };
  t.same(await becomes(fjord, 'papers', changed), changed, 'the file that changes, and no other');
  appendFileSync(join(folder, 'removed.txt'), ', later');
  const whole = { ...changed, 'removed.txt': 'removed.txt of the computer, later' };
  t.same(await becomes(fjord, 'papers', whole), whole);
  for (const name of names) t.equal(readFileSync(join(folder, name), 'utf8'), whole[name as 'kept.txt'], name);
});
