import type { Page } from 'playwright-core';
import t from 'tap';
import type { NodeRecord, SpaceRecord } from '../../src/cloud/records.ts';
import { Api } from '../helpers/cloud-api.ts';
import { login } from '../helpers/cloud.ts';
import { contentOf, mkdir, put, remove } from '../helpers/intents.ts';
import { checkAccessibility, DESKTOP, screenshots, signIn, WebTest } from '../helpers/web-app.ts';

t.setTimeout(600_000);

const SIZES = { phone: { viewport: { width: 390, height: 844 }, hasTouch: true }, desktop: DESKTOP } as const;
const BOB = 'bob@example.org';

const web = await WebTest.start(t);
const { url, cloud, password } = web.cloud;
const api = new Api(url, await web.cloud.login('Laptop'));
const sync = await api.space('sync');

async function folder(parent: string, name: string): Promise<NodeRecord> {
  return await api.done(mkdir({ space: sync.id, parent, name }));
}

async function file(space: SpaceRecord, parent: string, name: string, content: string | Buffer): Promise<NodeRecord> {
  return await api.store({ ...space, root: parent }, name, Buffer.from(content));
}

/** Draws a landscape with a canvas. */
const LANDSCAPE = `(seed) => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 800, height: 600 });
  const context = canvas.getContext('2d');
  const sky = context.createLinearGradient(0, 0, 0, 600);
  sky.addColorStop(0, \`hsl(\${205 + seed * 6} 70% \${30 + seed * 4}%)\`);
  sky.addColorStop(1, \`hsl(\${20 + seed * 9} 80% 82%)\`);
  context.fillStyle = sky;
  context.fillRect(0, 0, 800, 600);
  for (let range = 0; range < 4; range++) {
    context.fillStyle = \`hsl(\${195 + seed * 7} 35% \${47 - range * 9}%)\`;
    context.beginPath();
    context.moveTo(0, 600);
    for (let x = 0; x <= 800; x += 8) {
      const wave = Math.sin(x / (90 - range * 9) + seed * 2 + range * 1.7) + 0.4 * Math.sin(x / 31 + seed + range);
      context.lineTo(x, 300 + range * 75 - 45 * wave);
    }
    context.lineTo(800, 600);
    context.fill();
  }
  return canvas.toDataURL('image/jpeg', 0.8);
}`;

async function landscape(page: Page, seed: number): Promise<Buffer> {
  const source = await page.evaluate<string>(`(${LANDSCAPE})(${seed})`);
  return Buffer.from(source.slice(source.indexOf(',') + 1), 'base64');
}

const drawing = await web.page();
const picture = await landscape(drawing, 3);
const photos = await folder(sync.root, 'Photos');
const summer = await folder(photos.id, 'Summer in Norway');
for (const [index, name] of ['Bergen', 'Flåm', 'Geiranger', 'Lofoten', 'Lysefjord', 'Tromsø', 'Ålesund'].entries()) {
  await file(sync, summer.id, `${name}.jpg`, await landscape(drawing, index));
}
const view = await file(sync, summer.id, 'Å i Lofoten, the view from the hut above the harbour.jpg', picture);
await folder(summer.id, 'Panoramas');
const work = await folder(sync.root, 'Work');
const plan = await file(sync, work.id, 'Plan.md', 'draft');
const text =
  '# The plan\n\n1. Walk up\n2. **Look down**\n\n| day | km |\n|---|---|\n| Monday | 12 |\n| Tuesday | 17 |\n\n> And rest.\n';
await api.upload(Buffer.from(text));
const { wire } = contentOf(Buffer.from(text));
await api.done(put({ space: sync.id, parent: work.id, name: plan.name }, wire, { node: plan.id, base: plan.version }));
const letter = await file(sync, work.id, 'letter.txt', 'Dear Ada,\n\nthe fjord is blue.\n\nBob\n'.repeat(9));
const pdf = await file(sync, work.id, 'Ticket.pdf', await printed('Ticket to Flåm'));
const empty = await folder(sync.root, 'Nothing in here');
await file(sync, sync.root, 'Budget 2026.ods', Buffer.alloc(48_211));
await file(sync, sync.root, 'Film of the ferry.bin', Buffer.alloc(3_400_000, 7));
await folder(sync.root, 'a name that is so long that no screen has room for all of it, neither a phone nor a table');
const gone = await file(sync, sync.root, 'Old list.txt', 'old');
await api.done(remove(sync.id, gone.id, gone.version, Number.MAX_SAFE_INTEGER));
const archive = await api.space('archive');
await file(archive, archive.root, 'Deed of the house.pdf', 'deed');
const backup = (await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'Documents' })).body as SpaceRecord;
const saved = await file(backup, backup.root, 'Thesis.txt', 'To be written');
await web.cloud.login('Desktop at home');
await cloud.accounts.add(BOB, password);
const bob = new Api(url, await login(url, BOB, password, 'Phone'));
const ofBob = await bob.space('sync');
const choir = await bob.done(mkdir({ space: ofBob.id, parent: ofBob.root, name: 'Choir' }));
await bob.call('POST', '/v1/shares', { node: choir.id, email: web.cloud.email, role: 'editor' });
await api.call('POST', '/v1/shares', { node: photos.id, email: BOB, role: 'viewer' });
await api.call('POST', '/v1/links', { node: view.id, password: 'fjord' });

/** A PDF that the browser prints. */
async function printed(title: string): Promise<Buffer> {
  await drawing.setContent(`<h1>${title}</h1>${'<p>One way, second class, no reservation.</p>'.repeat(30)}`);
  return await drawing.pdf();
}

interface Screen {
  readonly name: string;
  readonly address: string;
  /** What shows when it is there. */
  readonly shows: string | RegExp;
  readonly open?: (page: Page) => Promise<unknown>;
  /** What that has opened. */
  readonly dialog?: string;
}

const select = (name: string, button: string) => async (page: Page) => {
  await page.getByLabel(`Select ${name}`).check();
  await page.getByRole('button', { name: button, exact: true }).click();
};
const press = (name: string) => async (page: Page) => page.getByRole('button', { name }).click();

const showTiles = async (page: Page) => {
  await press('Show as tiles')(page);
  await page.locator('.tile img').nth(7).waitFor();
};

const SCREENS: readonly Screen[] = [
  { name: 'sync', address: `/folder/${sync.root}`, shows: 'Budget 2026.ods' },
  {
    name: 'selection',
    address: `/folder/${sync.root}`,
    shows: 'Photos',
    open: async (page) => page.getByLabel('Select Work').check(),
  },
  { name: 'tiles', address: `/folder/${summer.id}`, shows: 'Bergen.jpg', open: showTiles },
  { name: 'empty', address: `/folder/${empty.id}`, shows: 'This folder is empty.' },
  { name: 'picture', address: `/file/${view.id}`, shows: 'Versions' },
  { name: 'markdown', address: `/file/${plan.id}`, shows: 'Look down' },
  { name: 'text', address: `/file/${letter.id}`, shows: /the fjord is blue/ },
  {
    name: 'pdf',
    address: `/file/${pdf.id}`,
    shows: 'Versions',
    open: async (page) => page.locator('canvas[data-drawn=true]').first().waitFor(),
  },
  { name: 'backups', address: '/backups', shows: 'Documents' },
  { name: 'backup', address: `/folder/${backup.root}`, shows: 'Thesis.txt' },
  { name: 'backup-file', address: `/file/${saved.id}`, shows: 'To be written' },
  { name: 'archive', address: `/folder/${archive.root}`, shows: 'Deed of the house.pdf' },
  { name: 'shared', address: '/shared', shows: 'Public links' },
  { name: 'trash', address: '/trash', shows: 'Old list.txt' },
  { name: 'devices', address: '/devices', shows: 'Desktop at home' },
  { name: 'account', address: '/account', shows: /used/ },
  { name: 'search', address: '/search/lo', shows: 'Lofoten.jpg' },
  { name: 'search-nothing', address: '/search/nothing%20of%20this', shows: 'Nothing found.' },
  { name: 'missing', address: '/folder/none', shows: /not there any more/ },
  {
    name: 'dialog-new-folder',
    address: `/folder/${sync.root}`,
    shows: 'Photos',
    open: press('New folder'),
    dialog: 'Create',
  },
  {
    name: 'dialog-rename',
    address: `/folder/${sync.root}`,
    shows: 'Photos',
    open: select('Photos', 'Rename'),
    dialog: 'New name',
  },
  {
    name: 'dialog-move',
    address: `/folder/${sync.root}`,
    shows: 'Work',
    open: select('Work', 'Move'),
    dialog: 'Move here',
  },
  {
    name: 'dialog-remove',
    address: `/folder/${sync.root}`,
    shows: 'Work',
    open: select('Work', 'Delete'),
    dialog: 'Delete 1 item?',
  },
  {
    name: 'dialog-remove-archive',
    address: `/folder/${archive.root}`,
    shows: 'Deed of the house.pdf',
    open: select('Deed of the house.pdf', 'Delete'),
    dialog: 'Delete 1 item?',
  },
  {
    name: 'dialog-replace',
    address: `/file/${saved.id}`,
    shows: 'To be written',
    open: press('Replace'),
    dialog: 'New content',
  },
  {
    name: 'dialog-share',
    address: `/folder/${sync.root}`,
    shows: 'Work',
    open: select('Work', 'Share'),
    dialog: 'Invite',
  },
  {
    name: 'dialog-link',
    address: `/folder/${sync.root}`,
    shows: 'Work',
    open: select('Work', 'Public link'),
    dialog: 'Make a link',
  },
  {
    name: 'dialog-revoke',
    address: '/devices',
    shows: 'Desktop at home',
    open: press('Revoke access of Desktop at home'),
    dialog: 'It is signed out at once. Files in the cloud stay.',
  },
];

for (const [size, options] of Object.entries(SIZES)) {
  t.test(`every screen on a ${size}, light and dark: nothing is wider than it, and axe finds nothing`, async (t) => {
    const page = await web.page(options);
    await page.goto(url);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await inspect('sign-in', page);
    await signIn(page, web.cloud.email, password);
    for (const { name, address, shows, open, dialog } of SCREENS) {
      await page.goto(url + address);
      await page.getByText(shows).first().waitFor();
      await open?.(page);
      if (dialog !== undefined) await page.getByRole('dialog').getByText(dialog).first().waitFor();
      await inspect(name, page);
      await page.evaluate('localStorage.clear()');
    }

    async function inspect(name: string, page: Page): Promise<void> {
      // Pictures are drawn.
      await page.evaluate('Promise.all([...document.images].map((image) => image.decode().catch(() => undefined)))');
      const [wide, screen] = await page.evaluate<[number, number]>(
        '[document.documentElement.scrollWidth, innerWidth]',
      );
      t.ok(wide <= screen, `${name} is as wide as the screen: ${wide}`);
      await screenshots(page, `all-${name}-${size}`);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await checkAccessibility(t, page, `${name}, ${colorScheme}`);
      }
      await page.emulateMedia({ colorScheme: 'light' });
    }
  });
}

t.test('no page has failed or broken its policy', async (t) => t.same(web.complaints, []));
