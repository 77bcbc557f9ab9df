import { EventEmitter, once } from 'node:events';
import t from 'tap';
import { Api } from '../helpers/cloud-api.ts';
import { mkdir } from '../helpers/intents.ts';
import { PHONE, screenshots, sessionCookie, WebTest } from '../helpers/web-app.ts';

t.setTimeout(120_000);

const web = await WebTest.start(t);
const { url } = web.cloud;
const api = new Api(url, await web.cloud.login('laptop'));
const sync = await api.space('sync');

/** Opens an address with the app's code held back, until as many calls as expected have ended. */
async function openWithoutCode(address: string, expected: number, cookie?: Awaited<ReturnType<typeof sessionCookie>>) {
  const page = await web.page({ ...PHONE, serviceWorkers: 'block' });
  if (cookie !== undefined) await page.context().addCookies([{ name: cookie.name, value: cookie.value, url }]);
  const calls: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/v1/') && pathname !== '/v1/push') calls.push(pathname);
  });
  const code = new EventEmitter();
  const released = once(code, 'release');
  await page.route('**/assets/*.js', async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(url + address, { waitUntil: 'commit' });
  await page.waitForFunction((count) => {
    const ended = performance.getEntriesByType('resource').filter(({ name }) => name.includes('/v1/'));
    return ended.length >= count;
  }, expected);
  return { page, calls, release: () => code.emit('release') };
}

t.test('the page shows something, and its first calls are made, before any code has arrived', async (t) => {
  const { page, calls, release } = await openWithoutCode('/', 2);
  await page.getByText('Fjord').waitFor();
  await screenshots(page, 'splash-phone');
  t.same(calls.toSorted(), ['/v1/session', '/v1/setup']);
  const color = await page.evaluate('getComputedStyle(document.body).backgroundColor');
  t.equal(color, 'rgb(245, 247, 249)', 'the style is there');
  release();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  t.same(calls.toSorted(), ['/v1/session', '/v1/setup'], 'the app uses those, and does not ask again');
  t.equal(await page.getByRole('main').count(), 1, 'and it takes the place of what was shown');
});

t.test('a folder is asked for with the session', async (t) => {
  const folder = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Photos' }));
  await api.done(mkdir({ space: sync.id, parent: folder.id, name: 'Summer' }));
  const cookie = await sessionCookie((await web.signedIn()).context());
  const { page, calls, release } = await openWithoutCode(`/folder/${folder.id}`, 4, cookie);
  const node = `/v1/nodes/${folder.id}`;
  const first = [node, `${node}/children`, '/v1/session', '/v1/spaces'];
  await page.getByText('Fjord').waitFor();
  t.same(calls.toSorted(), first);
  release();
  await page.getByRole('link', { name: 'Summer' }).waitFor();
  t.equal(calls.filter((path) => path.startsWith(node)).length, 2, 'the listing is not asked for again');
  t.equal(calls.filter((path) => path === '/v1/session').length, 1);
});

t.test('what is sent compressed is what was built', async (t) => {
  const get = async (path: string, encoding: string) => {
    const response = await fetch(url + path, { headers: { 'accept-encoding': encoding } });
    t.equal(response.headers.get('content-encoding'), encoding === 'identity' ? null : encoding, path);
    return await response.text();
  };
  const page = await get('/', 'identity');
  const [, script = ''] = /src="([^"]+)"/.exec(page) ?? [];
  for (const path of ['/', script, '/sw.js']) {
    const plain = await get(path, 'identity');
    for (const encoding of ['br', 'gzip']) t.ok((await get(path, encoding)) === plain, `${path} ${encoding}`);
  }
});

t.test('the policy allows the style of the page by its hash, and nothing else that is inline', async (t) => {
  const { headers } = await fetch(url);
  const policy = headers.get('content-security-policy') ?? '';
  t.match(policy, /script-src 'self';/);
  t.match(policy, /style-src 'self' 'sha256-[\w+/]{43}=';/);
  t.notMatch(policy, 'unsafe');
  t.match(headers.get('link'), '</v1/session>; rel=preload; as=fetch; crossorigin');
  const odd = await fetch(`${url}/folder/a%0D%0Aset-cookie:x`, { headers: { cookie: `fjord-${new URL(url).port}=x` } });
  t.notMatch(odd.headers.get('link'), 'nodes', 'an id that is none is not repeated');
});

t.test('no page has failed or broken its policy', async (t) => t.same(web.complaints, []));
