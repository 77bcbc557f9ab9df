import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { background as context } from '../../src/vfs/context.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';
import { login, startTestCloud } from '../helpers/cloud.ts';
import { openPair, type TestDevice } from '../helpers/devices.ts';
import { openHttpDevice, type HttpDevice } from '../helpers/http-devices.ts';
import { temporary } from '../helpers/temporary.ts';
import { SyncedFolder } from '../helpers/synced-folder.ts';
import { Random } from '../simulation/random.ts';

const SEEDS = Number(process.env['FJORD_FOLDER_SEEDS'] ?? 3);
const FIRST = Number(process.env['FJORD_FOLDER_FIRST'] ?? 1);
const SHARED = Number(process.env['FJORD_FOLDER_SHARED_SEEDS'] ?? 1);
const STEPS = 40;
const NAMES = ['a', 'b', 'c', 'd'];

type Pick = (most: number) => number;

/** The folders of a local folder; '' is the top. */
function foldersOf(root: string): string[] {
  const below = readdirSync(root, { recursive: true, withFileTypes: true });
  const found = below
    .filter((one) => one.isDirectory())
    .map((one) => join(one.parentPath, one.name).slice(root.length + 1));
  return ['', ...found.filter((path) => !path.startsWith('.fjord-sync'))];
}

function pathIn(root: string, pick: Pick): string {
  const folders = foldersOf(root);
  return join(folders[pick(folders.length)] ?? '', NAMES[pick(NAMES.length)] ?? 'a');
}

async function pathOf(device: TestDevice, pick: Pick): Promise<string> {
  // The other drive may remove something while this one is listed.
  const all = await device.tree().catch(() => ({}));
  const tree = Object.keys(all).filter((path) => path.endsWith('/'));
  return `${['/Sync/', ...tree][pick(tree.length + 1)] ?? '/Sync/'}${NAMES[pick(NAMES.length)] ?? 'a'}`;
}

/** One change by plain calls of node:fs. @returns the content that was written */
function changeHere(root: string, pick: Pick, text: string): string | undefined {
  const [path, other] = [join(root, pathIn(root, pick)), join(root, pathIn(root, pick))];
  try {
    const kind = pick(10);
    if (kind < 4) {
      writeFileSync(path, text);
      return text;
    }
    if (kind < 6) mkdirSync(path);
    else if (kind < 8) renameSync(path, other);
    else if (kind < 9) rmSync(path, { recursive: true });
    else symlinkSync(text, path);
  } catch {
    // What is impossible at this moment is left out.
  }
  return undefined;
}

async function changeThere(device: TestDevice, pick: Pick, text: string): Promise<string | undefined> {
  const [path, other] = [await pathOf(device, pick), await pathOf(device, pick)];
  try {
    const kind = pick(10);
    if (kind < 4) {
      await device.write(path, text);
      return text;
    }
    if (kind < 6) await device.mkdir(path);
    else if (kind < 8) await device.rename(path, other);
    else if (kind < 9) await device.removeTree(path);
    else await device.exchange(path, other);
  } catch (error) {
    if (!isFsError(error)) throw error;
  }
  return undefined;
}

function isDone(change: Promise<void>): Promise<boolean> {
  return change.then(
    () => true,
    () => false,
  );
}

for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
  t.test(`a folder and two drives end alike, seed ${seed}`, async (t) => {
    const random = new Random(seed);
    const pick: Pick = (most) => random.below(most);
    const { a, b, dir, converge } = await openPair(t);
    const synced = await SyncedFolder.open(t, a, join(dir, 'folder'));
    for (let step = 0; step < STEPS; step++) {
      const text = `${seed}.${step}`;
      const turn = pick(10);
      if (turn < 4) changeHere(synced.folder, pick, text);
      else if (turn < 6) await changeThere(a, pick, text);
      else if (turn < 8) await changeThere(b, pick, text);
      else if (turn < 9) await synced.pass();
      else await converge();
    }
    // What is written here at the few places where the drives are written, too, must not be lost.
    const written = new Map<string, string>();
    for (let n = 0; n < 4; n++) {
      const [here, there, beyond] = [pathIn(synced.folder, pick), await pathOf(a, pick), await pathOf(b, pick)];
      const writeHere = async (): Promise<void> => writeFileSync(join(synced.folder, here), `here ${n}`);
      if (await isDone(writeHere())) written.set(`here ${here}`, `here ${n}`);
      await isDone(b.write(beyond, `beyond ${n}`));
      await isDone(a.write(there, `there ${n}`));
    }
    await synced.settle();
    await converge();
    await synced.settle();
    await converge();
    const tree = await synced.tree();
    t.same(await a.tree(), tree, 'the drive here');
    t.same(await b.tree(), tree, 'the drive there');
    t.notOk(
      Object.keys(tree).some((path) => path.includes('.fjord-aside')),
      'nothing was left aside',
    );
    const contents = new Set(Object.values(tree));
    for (const [where, text] of written) t.ok(contents.has(text), `${where}: ${text}`);
  });
}

/** Ada's two devices, and one of Bob, with whom she shares a folder. */
async function openThree(t: Test) {
  const cloud = await startTestCloud(t);
  const [email, password] = ['bob@example.org', 'long enough it is'];
  await cloud.cloud.accounts.add(email, password);
  const bobs = { ...cloud, email, login: (device?: string) => login(cloud.url, email, password, device) };
  const all = [await openHttpDevice(t, cloud, 'alpha'), await openHttpDevice(t, cloud, 'beta')];
  all.push(await openHttpDevice(t, bobs, 'gamma'));
  const [a, b, c] = all as [HttpDevice, HttpDevice, HttpDevice];
  await a.device.mkdir('/Sync/team');
  await a.device.sync();
  const { id } = await a.device.stat('/Sync/team');
  const { space } = await a.remote.share(id, email, 'editor', context);
  await c.remote.acceptShare(space, context);
  const cut = new Set<HttpDevice>();
  const part = async (one: HttpDevice): Promise<void> => {
    cut.add(one);
    await one.net.stop();
  };
  const reconnect = async (one: HttpDevice): Promise<void> => {
    if (cut.delete(one)) await one.net.start();
  };
  const converge = async (): Promise<void> => {
    for (const one of cut) await reconnect(one);
    for (let round = 0; round < 4; round++) for (const { device } of all) await device.sync();
  };
  await converge();
  return { a, b, c, all, part, reconnect, converge };
}

for (let seed = FIRST; seed < FIRST + SHARED; seed++) {
  t.test(`a folder, three gateways of two accounts and their shared folder end alike, seed ${seed}`, async (t) => {
    const random = new Random(seed);
    const pick: Pick = (most) => random.below(most);
    const { a, b, c, all, part, reconnect, converge } = await openThree(t);
    const synced = await SyncedFolder.open(t, a.device, join(temporary(t), 'folder'));
    await synced.settle();
    const devices = [a.device, b.device, c.device];
    for (let step = 0; step < STEPS; step++) {
      const text = `${seed}.${step}`;
      const turn = pick(12);
      if (turn < 4) changeHere(synced.folder, pick, text);
      else if (turn < 8) await changeThere(devices[pick(3)] ?? a.device, pick, text);
      else if (turn < 9) await synced.pass();
      else if (turn < 11) await (pick(2) === 0 ? part : reconnect)(all[pick(3)] ?? a);
      else await converge();
    }
    const written = new Map<string, string>();
    for (let n = 0; n < 4; n++) {
      const here = pathIn(synced.folder, pick);
      const writeHere = async (): Promise<void> => writeFileSync(join(synced.folder, here), `here ${n}`);
      if (await isDone(writeHere())) written.set(here, `here ${n}`);
      await isDone(b.device.write(await pathOf(b.device, pick), `beyond ${n}`));
      await isDone(c.device.write(`/Sync/team/${NAMES[n] ?? 'a'}`, `bob ${n}`));
    }
    for (let round = 0; round < 2; round++) {
      await converge();
      await synced.settle();
    }
    await converge();
    const tree = await synced.tree();
    t.same(await a.device.tree(), tree, 'the drive here');
    t.same(await b.device.tree(), tree, 'the other device');
    const contents = new Set(Object.values(tree));
    for (const [where, text] of written) t.ok(contents.has(text), `${where}: ${text}`);
    t.notOk(
      Object.keys(tree).some((path) => path.includes('.fjord-aside')),
      'nothing was left aside',
    );
    t.same(await c.device.tree('/Sync/team'), await a.device.tree('/Sync/team'), 'the shared folder of both accounts');
  });
}
