import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LinkRecord } from '../../src/cloud/records.ts';
import { markdown, median, round } from '../lib/figures.ts';
import { machine } from '../lib/machine.ts';
import { chosen, type BenchOptions } from '../lib/options.ts';
import { freePort, output, serve, stop } from '../lib/process.ts';
import { longestTaskOf, openBrowser, show, signIn, visit, type Visit } from './browser.ts';
import { BenchCloud } from './cloud.ts';

const FILE = 256 * 1024 * 1024;
const FILES = 16;
/** ms that a page may take. */
const PATIENCE = 60_000;

type Row = readonly [what: string, fjord: string, peer: string];

/** The web app and the calls behind it, beside the listing that `rclone serve http` makes, and curl. */
export async function benchWeb({ rounds = 5, only, scale }: BenchOptions): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fjord-bench-'));
  const cloud = await BenchCloud.start(dir);
  const rows: Row[] = [];
  try {
    if (chosen(only, 'list')) rows.push(await list(cloud, dir, rounds, scale));
    if (chosen(only, 'visit')) rows.push(...(await visits(cloud, rounds)));
    if (chosen(only, 'browser')) rows.push(...(await browse(cloud, dir, scale)));
    if (chosen(only, 'transfer')) rows.push(...(await transfer(cloud, dir, rounds, scale)));
    if (chosen(only, 'search')) rows.push(await search(cloud, rounds, scale));
  } finally {
    await cloud.stop();
    await rm(dir, { recursive: true, force: true });
  }
  const table = markdown(['', 'Fjord', 'beside it'], rows);
  return `${await machine()}\nMedians of ${rounds}.\n\n${table}\n`;
}

async function list(cloud: BenchCloud, dir: string, rounds: number, scale: number): Promise<Row> {
  const count = Math.round(10_000 * scale);
  const { id } = await cloud.folder('ten thousand');
  await cloud.fill(id, count, (index) => `file ${index}`);
  const peer = await rcloneHttp(dir, 'ten-thousand', count);
  const fjord = await timed(rounds, async () => void (await cloud.get(`/v1/nodes/${id}/children`)));
  const other = await timed(rounds, async () => void (await (await fetch(peer.url)).text()));
  await peer.stop();
  return [`list of ${count.toLocaleString('en')}, ms`, round(fjord), `rclone serve http: ${round(other)}`];
}

/** On a slow phone with an empty cache: the page that asks for the password, and the Sync of who is signed in. */
async function visits(cloud: BenchCloud, rounds: number): Promise<Row[]> {
  const browser = await openBrowser();
  try {
    const { id } = await cloud.folder('visited');
    await cloud.fill(id, 100, (index) => `file ${index}`);
    const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
    await signIn(page, cloud.url);
    const cookies = await page.context().cookies();
    const out: Visit[] = [];
    const folder: Visit[] = [];
    for (let at = 0; at < rounds; at += 1) {
      out.push(await visit(browser, cloud.url, '.sign-in'));
      folder.push(await visit(browser, `${cloud.url}/folder/${id}`, '.body .row', cookies));
    }
    const value = (all: readonly Visit[], pick: (one: Visit) => number) => round(median(all.map(pick)));
    return [
      ['first visit, KB', value(out, ({ bytes }) => bytes / 1000), ''],
      ['first paint on a slow phone, ms', value(out, ({ paint }) => paint), ''],
      ['until one can sign in, ms', value(out, ({ ready }) => ready), ''],
      ['until a folder of 100 shows to who is signed in, ms', value(folder, ({ ready }) => ready), ''],
    ];
  } finally {
    await browser.close();
  }
}

async function browse(cloud: BenchCloud, dir: string, scale: number): Promise<Row[]> {
  const count = Math.round(100_000 * scale);
  const { id } = await cloud.folder('hundred thousand');
  await cloud.fill(id, count, (index) => `file ${index}`);
  const peer = await rcloneHttp(dir, 'hundred-thousand', count);
  const browser = await openBrowser();
  try {
    const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
    await signIn(page, cloud.url);
    const all = `${count.toLocaleString('en')} items`;
    const own = await show(page, `${cloud.url}/folder/${id}`, async () => page.getByText(all).waitFor());
    await page.evaluate('localStorage.setItem("fjord-layout", "grid")');
    const tiles = await show(page, `${cloud.url}/folder/${id}`, async () => page.locator('.tile').first().waitFor());
    const jump = await longestTaskOf(page, async () => {
      for (const key of ['End', 'Home', 'End', 'PageUp', 'Home']) await page.getByRole('grid').press(key);
      await page.getByRole('link', { name: 'file 0', exact: true }).waitFor();
    });
    const plain = await (await browser.newContext()).newPage();
    plain.setDefaultTimeout(PATIENCE);
    const loaded = async (): Promise<void> => plain.waitForLoadState('domcontentloaded');
    // A page of a hundred thousand rows may be more than the browser can lay out in time.
    const other = await show(plain, peer.url, loaded).catch(() => undefined);
    const entries = count.toLocaleString('en');
    const values = (pick: (shown: typeof own) => number): [string, string] => [
      round(pick(own)),
      `rclone serve http: ${other === undefined ? `not within ${PATIENCE / 1000} s` : round(pick(other))}`,
    ];
    return [
      [`folder of ${entries} shown, ms`, ...values(({ ms }) => ms)],
      ['longest task of it, ms', ...values(({ longest }) => longest)],
      ['all long tasks of it, ms', ...values(({ blocked }) => blocked)],
      ['elements in the page', ...values(({ elements }) => elements)],
      ['the same as tiles: shown, ms', round(tiles.ms), ''],
      ['longest task of it, ms', round(tiles.longest), ''],
      ['longest task while jumping from end to end, ms', round(jump), ''],
    ];
  } finally {
    await browser.close();
    await peer.stop();
  }
}

async function transfer(cloud: BenchCloud, dir: string, rounds: number, scale: number): Promise<Row[]> {
  const bytes = Math.round(FILE * scale);
  const folder = await cloud.folder('transfer');
  const link = (await cloud.post('/v1/links', { node: folder.id, upload: true })) as LinkRecord;
  const path = join(dir, 'upload');
  const megabytes = bytes / 1e6;
  const fresh = async (): Promise<void> => writeFile(path, randomBytes(bytes));
  const curls: number[] = [];
  const pages: number[] = [];
  const browser = await openBrowser();
  try {
    const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
    page.setDefaultTimeout(120_000);
    await signIn(page, cloud.url);
    await page.goto(`${cloud.url}/folder/${folder.id}`);
    for (let round = 0; round < rounds; round += 1) {
      await fresh();
      const address = `${cloud.url}/l/${link.token}/curl-${round}`;
      curls.push(
        (megabytes / (await timed(1, async () => void (await output('curl', ['-sfT', path, address]))))) * 1000,
      );
      await fresh();
      const named = `${path}-${round}`;
      await rename(path, named);
      const start = performance.now();
      await page.locator('input[type=file]').first().setInputFiles(named);
      await page.getByText(`${round + 1} of ${round + 1} uploaded`).waitFor();
      pages.push((megabytes / (performance.now() - start)) * 1000);
      await rm(named);
    }
  } finally {
    await browser.close();
  }
  const many = await cloud.folder('many');
  const { token } = (await cloud.post('/v1/links', { node: many.id, upload: true })) as LinkRecord;
  for (let at = 0; at < FILES; at += 1) {
    await writeFile(path, randomBytes(bytes / FILES));
    await output('curl', ['-sfT', path, `${cloud.url}/l/${token}/${at}.bin`]);
  }
  const curl = async (address: string): Promise<void> => {
    await output('curl', ['-sf', '-o', '/dev/null', '-H', `authorization: Bearer ${cloud.token}`, address]);
  };
  const zip = await timed(rounds, async () => curl(`${cloud.url}/v1/zip?nodes=${many.id}`));
  const children = (await cloud.get(`/v1/nodes/${many.id}/children`)).trim().split('\n');
  const versions = children.map((line) => (JSON.parse(line) as { version: string }).version);
  const plain = await timed(rounds, async () => {
    for (const version of versions) await curl(`${cloud.url}/v1/versions/${version}/content`);
  });
  return [
    ['upload by the page, MB/s', round(median(pages)), `curl to the same cloud: ${round(median(curls))}`],
    [
      `ZIP of ${FILES} files, MB/s`,
      round((megabytes / zip) * 1000),
      `curl of each file: ${round((megabytes / plain) * 1000)}`,
    ],
  ];
}

async function search(cloud: BenchCloud, rounds: number, scale: number): Promise<Row> {
  const count = Math.round(1_000_000 * scale);
  const words = ['invoice', 'holiday', 'report', 'budget', 'letter', 'photo', 'contract', 'draft', 'minutes', 'plan'];
  for (let folder = 0; folder < 10; folder += 1) {
    const { id } = await cloud.folder(`search ${folder}`);
    await cloud.fill(id, count / 10, (index) => `${words[index % 10] ?? ''} ${folder}-${index}.pdf`);
  }
  const ask = async (query: string): Promise<{ complete: boolean }> =>
    JSON.parse(await cloud.get(`/v1/search?q=${encodeURIComponent(query)}`)) as { complete: boolean };
  while (!(await ask('nothing')).complete);
  const times: number[] = [];
  for (const query of ['invoice 3-4', 'holiday', '77777', 'nothing of this name', 'pdf'])
    times.push(await timed(rounds, async () => void (await ask(query))));
  return [
    `search in ${count.toLocaleString('en')} names, ms`,
    `${round(Math.min(...times))}–${round(Math.max(...times))}`,
    '',
  ];
}

async function rcloneHttp(dir: string, name: string, count: number) {
  const files = join(dir, name);
  await mkdir(files);
  for (let at = 0; at < count; at += 1000) {
    const size = Math.min(1000, count - at);
    await Promise.all(Array.from({ length: size }, (_, index) => writeFile(join(files, `file ${at + index}`), '')));
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const args = ['serve', 'http', files, '--addr', `127.0.0.1:${port}`, '--config', join(dir, 'none.conf'), '-q'];
  const child = await serve('rclone', args, url);
  return { url, stop: async () => stop(child) };
}

/** The median of some runs, ms. */
async function timed(rounds: number, work: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return median(times);
}
