import t from 'tap';
import { Api } from '../helpers/cloud-api.ts';
import { startTestCloud } from '../helpers/cloud.ts';
import { FirefoxPage, missingFirefox } from '../helpers/firefox.ts';
import { builtWebApp } from '../helpers/web-app.ts';

t.setTimeout(180_000);

/** A PNG of one black dot. */
const DOT = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';

t.test('Firefox: sign in, lists, tiles, a live change, sign out', { skip: missingFirefox }, async (t) => {
  const { url, email, password, login } = await startTestCloud(t, { web: await builtWebApp(t) });
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  await api.store(sync, 'dot.png', Buffer.from(DOT, 'base64'));
  const page = await FirefoxPage.open(t);
  await page.goto(url);
  await page.until(`document.querySelector('[name=email]')`);
  const fill = (name: string, value: string) =>
    page.evaluate(`document.querySelector('[name=${name}]').value = ${JSON.stringify(value)}`);
  await fill('email', email);
  await fill('password', password);
  await page.evaluate(`document.querySelector('form button').click()`);
  await page.until(`document.querySelector('.row a')?.innerText === 'dot.png'`);
  await page.evaluate(`document.querySelector('[aria-label="Show as tiles"]').click()`);
  await page.until(`document.querySelector('.tile img')?.naturalWidth === 1`);
  await api.store(sync, 'from the laptop', Buffer.from('x'));
  await page.until(`[...document.querySelectorAll('.tile a')].some((link) => link.title === 'from the laptop')`);
  await page.evaluate(`document.querySelector('[aria-label="Sign out"]').click()`);
  await page.until(`document.querySelector('[name=email]')`);
  t.match(await page.evaluate('navigator.userAgent'), /Firefox/);
});
