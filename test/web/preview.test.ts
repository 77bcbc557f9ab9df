import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { Api } from '../helpers/cloud-api.ts';
import { contentOf, mkdir, put } from '../helpers/intents.ts';
import { checkAccessibility, DESKTOP, PHONE, screenshots, WebTest } from '../helpers/web-app.ts';

t.setTimeout(180_000);

const web = await WebTest.start(t);
const api = new Api(web.cloud.url, await web.cloud.login('laptop'));
const sync = await api.space('sync');
const NOTHING = { size: 0, blocks: '' };
const place = (parent: string) => ({ space: sync.id, parent });
const store = async (name: string, bytes: Uint8Array | string) => (await api.store(sync, name, Buffer.from(bytes))).id;

t.test('a picture, and one that is damaged', async (t) => {
  const page = await web.signedIn(PHONE);
  const picture = await page.screenshot();
  await page.goto(`${web.cloud.url}/file/${await store('photo.PNG', picture)}`);
  const image = page.getByRole('img', { name: 'The picture in this file' });
  await image.waitFor();
  t.equal(await image.evaluate((element) => (element as unknown as { naturalWidth: number }).naturalWidth), 320);
  await checkAccessibility(t, page, 'picture');
  await screenshots(page, 'picture-phone');
  await page.goto(`${web.cloud.url}/file/${await store('broken.jpg', picture.subarray(0, 20))}`);
  await page.getByText('This cannot be shown here').waitFor();
});

t.test('tiles with thumbnails: sort, keys, selection, many entries, remembered', async (t) => {
  const home = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Album' }));
  const page = await web.signedIn(DESKTOP, `/folder/${home.id}`);
  const picture = await page.screenshot();
  await api.upload(picture);
  await api.upload(picture.subarray(0, 30));
  const add = async (name: string, bytes: Buffer) =>
    api.done(put({ space: sync.id, parent: home.id, name }, contentOf(bytes).wire));
  for (const name of ['1.png', '2.png', '10.png']) await add(name, picture);
  await add('broken.png', picture.subarray(0, 30));
  await api.done(mkdir({ space: sync.id, parent: home.id, name: `<b> ${'long '.repeat(20)}` }));
  const contents: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/content')) contents.push(request.url());
  });
  await page.getByRole('button', { name: 'Show as tiles' }).click();
  const names = async () => await page.locator('.tile bdi').allInnerTexts();
  await page.locator('.tile img').nth(2).waitFor();
  const small = 'Math.max(...[...document.querySelectorAll(".tile img")].map((image) => image.naturalWidth))';
  t.equal(await page.evaluate(small), 320, 'the page has small copies');
  t.same((await names()).slice(1), ['1.png', '2.png', '10.png', 'broken.png'], 'folders first, numbers by value');
  await page.getByRole('button', { name: 'Size' }).click();
  t.equal((await names())[1], 'broken.png');
  await page.getByRole('button', { name: 'Size' }).click();
  t.equal((await names()).at(-1), 'broken.png');
  await page.getByRole('button', { name: 'Name' }).click();
  await checkAccessibility(t, page, 'tiles');
  await screenshots(page, 'tiles-desktop');

  await page.getByRole('grid').focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Space');
  await page.keyboard.press('Shift+End');
  await page.getByText('4 selected').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('checkbox', { name: 'Select 2.png' }).check();
  await page.getByText('1 selected').waitFor();
  await page.keyboard.press('Control+a');
  await page.getByText('5 selected').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: '2.png' }).waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: '1.png' }).waitFor();

  contents.length = 0;
  await page.goto(`${web.cloud.url}/folder/${home.id}`);
  await page.locator('.tile img').nth(2).waitFor();
  t.equal(contents.filter((url) => url.endsWith('/content')).length, 1, 'only the broken one is loaded again');

  const size = 500;
  const batch = Array.from({ length: size }, (_, at) => put({ ...place(home.id), name: `file ${at}` }, NOTHING));
  await api.commit(...batch);
  await page.getByText('505 items').waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('End');
  await page.getByRole('link', { name: 'file 499' }).waitFor();
  await page.keyboard.press('ArrowUp');
  const active = await page.locator('.tile[data-active=true] bdi').innerText();
  const columns = Number(await page.getByRole('grid').getAttribute('aria-colcount'));
  t.equal(active, `file ${499 - columns}`, 'a row above');
  t.ok((await page.locator('.tile').count()) < 150, 'only what is in view is in the page');
  await page.setViewportSize(PHONE.viewport);
  await page.keyboard.press('Home');
  await page.getByRole('link', { name: '1.png', exact: true }).waitFor();
  t.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= 320);
  await checkAccessibility(t, page, 'tiles on a phone');
  await screenshots(page, 'tiles-phone');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  const isKept = async () => Boolean(await page.evaluate('caches.has("thumbnails")'));
  while (await isKept()) await setTimeout(50);
});

t.test('a large picture is loaded when it is asked for', async (t) => {
  const page = await web.signedIn(DESKTOP);
  const picture = await page.screenshot();
  const large = Buffer.concat([picture, Buffer.alloc(9_000_000)]);
  const half = 5 * 1024 * 1024;
  await api.upload(large.subarray(0, half));
  await api.upload(large.subarray(half));
  const place = { space: sync.id, parent: sync.root, name: 'large.png' };
  const node = await api.done(put(place, contentOf(large).wire));
  await page.goto(`${web.cloud.url}/file/${node.id}`);
  const button = page.getByRole('button', { name: 'Show the picture (9.0 MB)' });
  await button.waitFor();
  t.equal(await page.getByRole('img', { name: 'The picture in this file' }).count(), 0);
  await button.click();
  await page.getByRole('img', { name: 'The picture in this file' }).waitFor();
});

t.test('a PDF: its pages as pictures and as text, and nothing of it runs', async (t) => {
  const page = await web.signedIn(PHONE);
  const printer = await web.page(PHONE);
  const sheets = Array.from({ length: 12 }, (_, at) => `<h1 style="break-after: page">Sheet ${at + 1} é</h1>`);
  await printer.setContent(sheets.join(''));
  const printed = await store('printed.pdf', await printer.pdf());
  await page.goto(`${web.cloud.url}/file/${printed}`);
  await page.locator('canvas[data-drawn=true]').first().waitFor();
  await page.getByText('Sheet 1 é').waitFor({ state: 'attached' });
  t.ok((await page.locator('canvas').count()) < 8, 'only what is near is drawn');
  const ink = await page.locator('canvas').first().evaluate(inkOf);
  t.ok(ink > 0.001 && ink < 0.5, `the page is drawn: ${ink}`);
  await checkAccessibility(t, page, 'PDF');
  await screenshots(page, 'pdf-phone');
  await page.getByRole('img', { name: 'Page 1 of 12' }).waitFor();
  await page.getByRole('group', { name: 'The 12 pages of this file' }).focus();
  await page.keyboard.press('End');
  await page.getByText('Sheet 12 é').waitFor({ state: 'attached' });

  await page.goto(`${web.cloud.url}/file/${await store('script.pdf', scriptPdf())}`);
  await page.getByText('Plain words').waitFor({ state: 'attached' });
  await page.locator('canvas[data-drawn=true]').waitFor();
  t.ok((await page.locator('canvas').evaluate(inkOf)) > 0, 'in a font that is not in the file');
  t.equal(await page.locator('canvas ~ a, .sheet input, .sheet a').count(), 0);
  await page.goto(`${web.cloud.url}/file/${await store('none.pdf', 'this is none')}`);
  await page.getByText('This cannot be shown here').waitFor();
});

t.test('a recording plays from any place', async (t) => {
  const page = await web.signedIn(DESKTOP, `/file/${await store('tone.wav', recording(30))}`);
  const player = page.locator('audio');
  await player.waitFor();
  const time = await player.evaluate(async (element) => {
    const audio = element as unknown as Player;
    if (audio.readyState === 0) await new Promise((resolve) => audio.addEventListener('loadedmetadata', resolve));
    audio.currentTime = 20;
    await new Promise((resolve) => audio.addEventListener('seeked', resolve));
    return [Math.round(audio.duration), audio.currentTime];
  });
  t.same(time, [30, 20]);
});

t.test('text, Markdown, older versions', async (t) => {
  const hostile = '# Title\n\n<img src=x onerror="document.title=`run`">\n\n[click](javascript:alert(1))\n';
  const page = await web.signedIn(PHONE, `/file/${await store('README.md', hostile)}`);
  await page.getByRole('heading', { name: 'Title' }).waitFor();
  t.equal(await page.title(), 'README.md – Fjord');
  t.equal(await page.locator('.document img').count(), 0, 'HTML is shown as text');
  await checkAccessibility(t, page, 'Markdown');
  await screenshots(page, 'markdown-phone');

  const first = await api.store(sync, 'notes.txt', Buffer.from('the first words'));
  const second = Buffer.from('the second words');
  await api.upload(second);
  const place = { space: sync.id, parent: sync.root, name: first.name };
  await api.done(put(place, contentOf(second).wire, { node: first.id, base: first.version }));
  await page.goto(`${web.cloud.url}/file/${first.id}`);
  await page.getByText('the second words').waitFor();
  await page.getByRole('button', { name: /Show the version/ }).click();
  await page.getByText('the first words').waitFor();
  t.equal(await page.getByText('the second words').count(), 0);

  await page.goto(`${web.cloud.url}/file/${await store('page.html', '<script>document.title="run"</script>')}`);
  await page.getByText('<script>').waitFor();
  await page.goto(`${web.cloud.url}/file/${await store('long.log', 'a line\n'.repeat(30_000))}`);
  await page.getByText('These are the first 131 KB').waitFor();
  await page.goto(`${web.cloud.url}/file/${await store('program', '\x7fELF\0\0\0')}`);
  await page.getByText('Current version').waitFor();
  t.equal(await page.locator('.preview').count(), 0, 'a program is no text');
});

t.test('only what no browser runs has a type of its own', async (t) => {
  for (const [name, type] of [
    ['a.png', 'image/png'],
    ['a.webm', 'video/webm'],
    ['a.pdf', 'application/pdf'],
    ['a.svg', 'application/octet-stream'],
    ['a.html', 'application/octet-stream'],
    ['a.xhtml', 'application/octet-stream'],
    ['a', 'application/octet-stream'],
  ] as const) {
    const { version } = await api.store(sync, `type ${name}`, Buffer.from('x'));
    const token = { authorization: `Bearer ${api.token}` };
    const { headers } = await fetch(`${web.cloud.url}/v1/versions/${version}/content`, { headers: token });
    t.equal(headers.get('content-type'), type, name);
    t.match(headers.get('content-disposition'), /^attachment/, name);
    t.match(headers.get('content-security-policy'), 'sandbox', name);
  }
});

t.test('the pages complained about nothing', async (t) => {
  t.same(web.complaints, []);
});

/** What of `HTMLAudioElement` is used. */
interface Player extends EventTarget {
  readonly readyState: number;
  readonly duration: number;
  currentTime: number;
}

/** The part of a canvas that is not white. */
function inkOf(element: unknown): number {
  const canvas = element as { width: number; height: number; getContext(kind: '2d'): Pixels };
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let dark = 0;
  for (let at = 0; at < data.length; at += 4) if ((data[at] ?? 255) < 128) dark += 1;
  return dark / (data.length / 4);
}

interface Pixels {
  getImageData(x: number, y: number, width: number, height: number): { readonly data: Uint8ClampedArray };
}

/** A page with words in a font that it does not contain, a link, and a script that runs when it is opened. */
function scriptPdf(): string {
  const words = 'BT /F 24 Tf 20 100 Td (Plain words) Tj ET';
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R /Annots [6 0 R] /Resources << /Font << /F 5 0 R >> >> >>',
    `<< /Length ${words.length} >>\nstream\n${words}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    '<< /Type /Annot /Subtype /Link /Rect [0 0 200 200] /A << /S /URI /URI (javascript:alert\\(1\\)) >> >>',
  ];
  let pdf = '%PDF-1.4\n';
  const places = objects.map((object, at) => {
    const place = pdf.length;
    pdf += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(place).padStart(10, '0')} 00000 n \n`;
  });
  const start = pdf.length;
  pdf += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.join('')}`;
  return `${pdf}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
}

/** Silence as a WAV file of 8,000 samples of a byte in a second. */
function recording(seconds: number): Buffer {
  const samples = seconds * 8000;
  const wav = Buffer.alloc(44 + samples, 0x80);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(8000, 24);
  wav.writeUInt32LE(8000, 28);
  wav.writeUInt16LE(1, 32);
  wav.writeUInt16LE(8, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples, 40);
  return wav;
}
