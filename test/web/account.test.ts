import { request } from 'node:http';
import t from 'tap';
import { startCloud } from '../../src/cloud/server/service.ts';
import { codeOf } from '../helpers/authenticator.ts';
import { Api } from '../helpers/cloud-api.ts';
import { login } from '../helpers/cloud.ts';
import { temporary } from '../helpers/temporary.ts';
import {
  builtWebApp,
  checkAccessibility,
  DESKTOP,
  launchBrowser,
  PHONE,
  screenshots,
  signIn,
  WebTest,
} from '../helpers/web-app.ts';

t.setTimeout(300_000);

t.test('the first account is made on the page of an empty cloud, and no second one', async (t) => {
  const [web, browser] = await Promise.all([builtWebApp(t), launchBrowser(t)]);
  const cloud = await startCloud({ host: '127.0.0.1', port: 0, data: temporary(t), web });
  t.teardown(async () => cloud.close());
  const page = await (await browser.newContext(PHONE)).newPage();
  await page.goto(cloud.url);
  await page.getByRole('heading', { name: 'Welcome to Fjord' }).waitFor();
  await checkAccessibility(t, page, 'setup');
  await screenshots(page, 'setup-phone');
  const stranger = { 'x-forwarded-for': '203.0.113.7', origin: cloud.url };
  t.equal(await statusOf(`${cloud.url}/v1/setup`, stranger), 403, 'by a proxy, from elsewhere');
  t.equal(
    await statusOf(`${cloud.url}/v1/setup`, { origin: 'https://evil.example' }),
    403,
    'by the page of another site',
  );
  t.same(await cloud.accounts.list(), []);
  await page.getByLabel('E-mail').fill('ada@example.org');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('This folder is empty.').waitFor();
  t.match(await cloud.accounts.list(), [{ email: 'ada@example.org' }]);
  t.equal(await statusOf(`${cloud.url}/v1/setup`, { origin: cloud.url }), 403);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

t.test('the password is changed, and other browsers are signed out', async (t) => {
  const web = await WebTest.start(t);
  const { email, password, url } = web.cloud;
  const computer = new Api(url, await web.cloud.login('laptop'));
  await computer.store(await computer.space('sync'), 'file', Buffer.alloc(1_500_000));
  const other = await web.signedIn(DESKTOP);
  const page = await web.signedIn(PHONE);
  await page.getByRole('link', { name: email }).click();
  await page.getByText('1.5 MB of 1.1 TB used, 1 file').waitFor();
  await checkAccessibility(t, page, 'account');
  await screenshots(page, 'account-phone');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByLabel('Present password').fill('not this one');
  await page.getByLabel('New password').fill('a much better one');
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByText('The password is wrong.').waitFor();
  await page.getByLabel('Present password').fill(password);
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await page.getByText('The password is changed.').waitFor();
  await page.reload();
  await page.getByText('1.5 MB of').waitFor();
  await other.reload();
  await other.getByRole('heading', { name: 'Sign in' }).waitFor();
  await signIn(other, email, 'a much better one');
  await t.rejects(login(url, email, password), /401/);
  t.equal((await computer.call('GET', '/v1/device')).status, 200, 'computers stay');
  t.equal((await computer.call('POST', '/v1/password', { password: 'a much better one', next: 'short' })).status, 400);
  t.same(web.complaints, []);
});

t.test('codes of an authenticator app: turned on, asked for, replaced, turned off', async (t) => {
  const web = await WebTest.start(t);
  const { email, password, url } = web.cloud;
  const page = await web.signedIn(PHONE, '/account');
  await page.getByRole('button', { name: 'Turn codes on' }).click();
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('img', { name: 'QR code for the authenticator app' }).waitFor();
  await checkAccessibility(t, page, 'QR code');
  await screenshots(page, 'codes-scan-phone');
  const secret = (await page.locator('.secret').innerText()).replaceAll(' ', '');
  const codeAt = (time: number) => codeOf(`otpauth://totp/x?secret=${secret}`, time);
  const code = page.getByLabel('Code of the app');
  await code.fill('000000');
  await page.getByRole('dialog').getByRole('button', { name: 'Turn codes on' }).click();
  await page.getByText('The code is wrong').waitFor();
  await code.fill(codeAt(Date.now()));
  await page.getByRole('dialog').getByRole('button', { name: 'Turn codes on' }).click();
  await page.getByRole('heading', { name: 'Keep these recovery codes' }).waitFor();
  const [recovery = ''] = await page.locator('.codes code').allInnerTexts();
  await checkAccessibility(t, page, 'recovery codes');
  await screenshots(page, 'codes-recovery-phone');
  await page.getByRole('button', { name: 'I have kept them' }).click();
  await page.getByText('10 recovery codes are left.').waitFor();

  const other = await web.page(PHONE);
  await other.goto(url);
  await other.getByLabel('E-mail').fill(email);
  await other.getByLabel('Password').fill(password);
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByText('This account also needs the code').waitFor();
  await checkAccessibility(t, other, 'sign in with a code');
  await screenshots(other, 'sign-in-code-phone');
  await other.getByLabel('Code of the app').fill('123456');
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByText('The code is wrong').waitFor();
  // The clock of the phone is a step ahead: the code of this step was used to turn codes on.
  await other.getByLabel('Code of the app').fill(codeAt(Date.now() + 30_000));
  await other.getByRole('button', { name: 'Sign in' }).click();
  await other.getByRole('navigation', { name: 'Places' }).waitFor();

  await page.getByRole('button', { name: 'Turn codes off' }).click();
  await page.getByLabel('Password').fill(password);
  await page.getByLabel('Code of the app').fill(recovery);
  await page.getByRole('dialog').getByRole('button', { name: 'Turn codes off' }).click();
  await page.getByText('sign in with the password alone').waitFor();
  t.same(web.complaints, []);
});

/** The status of a request for a first account, with headers that fetch would not send. */
async function statusOf(url: string, headers: Record<string, string>): Promise<number> {
  return await new Promise((resolve, reject) => {
    const sent = request(
      url,
      { method: 'POST', headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', reject);
    sent.end(JSON.stringify({ email: 'eve@example.org', password: 'eve is here', name: 'x' }));
  });
}
