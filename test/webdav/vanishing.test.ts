import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import type { NodeId } from '../../src/vfs/node.ts';
import { XmlReader } from '../../src/webdav/xml/reader.ts';
import { DavServer } from '../helpers/dav-server.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';
import { slowed } from '../helpers/slow-fs.ts';

const FILES = 200;
const ALLPROP = '<propfind xmlns="DAV:"><allprop/></propfind>';

/** Calls `after` when a page of a folder has been read, before the page is used. */
class BusyFs extends MemoryFs {
  after: (folder: NodeId, names: readonly string[]) => void = () => undefined;

  override readdir(...args: Parameters<MemoryFs['readdir']>): ReturnType<MemoryFs['readdir']> {
    const page = super.readdir(...args);
    this.after(
      args[0],
      page.entries.map(({ name }) => name),
    );
    return page;
  }

  /** Removes every third file of each page. */
  removeSome(): void {
    this.after = (folder, names) => {
      for (const name of names) if (/^f\d*[0369]$/.test(name)) this.unlink(folder, name, background);
    };
  }
}

async function served(t: Parameters<typeof DavServer.start>[0], slow: boolean): Promise<[DavServer, BusyFs]> {
  const fs = new BusyFs();
  const dav = await DavServer.start(t, { fs: slow ? slowed(fs, { method: undefined, waiting: 0 }) : fs });
  await dav.ask('MKCOL', '/d');
  await dav.ask('MKCOL', '/d/sub');
  for (let i = 0; i < FILES; i++) await dav.ask('PUT', `/d/f${i}`, { body: `${i}` });
  for (let i = 0; i < 5; i++) await dav.ask('PUT', `/d/sub/g${i}`, { body: `${i}` });
  return [dav, fs];
}

const KEPT = Array.from({ length: FILES }, (_, i) => `f${i}`).filter((name) => !/[0369]$/.test(name));

for (const slow of [false, true]) {
  const how = slow ? 'a drive that takes its time' : 'a drive that answers at once';

  t.test(`PROPFIND omits nodes that are removed meanwhile: ${how}`, async (t) => {
    const [dav, fs] = await served(t, slow);
    fs.removeSome();
    const answer = await dav.ask('PROPFIND', '/d', { headers: { Depth: '1' }, body: ALLPROP });
    t.equal(answer.status, 207);
    const reader = new XmlReader();
    reader.write(answer.bytes);
    t.ok(reader.end(), 'the response is complete');
    const hrefs = [...answer.text.matchAll(/<D:href>([^<]*)</g)].map(([, href = '']) => href);
    t.strictSame(new Set(hrefs), new Set(['/d/', '/d/sub/', ...KEPT.map((name) => `/d/${name}`)]));
    t.equal(hrefs.length, KEPT.length + 2);
  });

  t.test(`a folder that is removed while it is listed has no further rows: ${how}`, async (t) => {
    for (const method of ['PROPFIND', 'GET']) {
      const [dav, fs] = await served(t, slow);
      fs.after = () => {
        fs.after = () => undefined;
        fs.removeTree(fs.root, 'd', background);
      };
      const body = method === 'GET' ? {} : { body: ALLPROP };
      const answer = await dav.ask(method, '/d/', { headers: { Depth: '1' }, ...body });
      t.equal(answer.status, method === 'GET' ? 200 : 207);
      t.match(answer.text, method === 'GET' ? /<\/html>\s*$/ : /<\/D:multistatus>\s*$/);
    }
  });

  t.test(`COPY omits nodes that are removed meanwhile: ${how}`, async (t) => {
    for (const overwrite of [false, true]) {
      const [dav, fs] = await served(t, slow);
      if (overwrite) await dav.ask('MKCOL', '/copy');
      fs.removeSome();
      const answer = await dav.ask('COPY', '/d', { headers: { Destination: '/copy' } });
      t.equal(answer.status, overwrite ? 204 : 201, answer.text);
      fs.after = () => undefined;
      t.equal((await dav.ask('GET', '/copy/f1')).text, '1');
      const copied = await dav.ask('PROPFIND', '/copy', { headers: { Depth: '1' } });
      t.equal(copied.text.split('<D:response>').length - 1, KEPT.length + 2);
    }
  });

  t.test(`COPY of a tree from which a folder is removed meanwhile: ${how}`, async (t) => {
    const [dav, fs] = await served(t, slow);
    fs.after = (folder) => {
      if (fs.getattr(folder, background).name === 'd') fs.after = () => fs.removeTree(folder, 'sub', background);
    };
    const answer = await dav.ask('COPY', '/d', { headers: { Destination: '/copy' } });
    t.equal(answer.status, 201, answer.text);
    t.equal((await dav.ask('GET', '/copy/f0')).status, 200);
  });

  t.test(`COPY into a folder that is removed meanwhile fails: ${how}`, async (t) => {
    const [dav, fs] = await served(t, slow);
    fs.after = () => {
      fs.after = () => undefined;
      fs.removeTree(fs.root, 'copy', background);
    };
    const answer = await dav.ask('COPY', '/d', { headers: { Destination: '/copy' } });
    t.not(answer.status, 201);
    t.ok(answer.status >= 207, `${answer.status}`);
  });
}

t.test('a name with control characters can be used like any other', async (t) => {
  const [dav] = await served(t, false);
  for (const name of ['%0A', 'a%0Ab', 'tab%09', 'bell%07', '%7F', '%1F%01', 'cr%0D%0Alf']) {
    t.equal((await dav.ask('PUT', `/d/${name}`, { body: name })).status, 201, name);
    t.equal((await dav.ask('GET', `/d/${name}`)).text, name);
    const found = await dav.ask('PROPFIND', `/d/${name}`, { headers: { Depth: '0' }, body: ALLPROP });
    t.match(found, { status: 207 });
    t.ok(found.text.includes(`<D:href>/d/${name}</D:href>`), 'the href has the name');
    t.notMatch(found.text, '\ufffd');
    const reader = new XmlReader();
    reader.write(found.bytes);
    t.ok(reader.end());
    t.equal((await dav.ask('MOVE', `/d/${name}`, { headers: { Destination: `/d/sub/${name}` } })).status, 201);
    t.match(await dav.ask('GET', '/d/sub/'), { status: 200, text: `/d/sub/${name}` });
    t.equal((await dav.ask('DELETE', `/d/sub/${name}`)).status, 204);
  }
});
