import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { AttributeWriter } from '../../../src/backup/restore/attribute-writer.ts';
import type { Contents, FileJob } from '../../../src/backup/restore/contents.ts';
import { writeWhole } from '../../../src/backup/restore/part-file.ts';
import type { TreeEntry } from '../../../src/backup/restore/tree-entry.ts';
import { TreeWriter } from '../../../src/backup/restore/tree-writer.ts';
import { temporary } from '../../helpers/temporary.ts';

/** Every file contains its version. */
class FakeContents implements Contents {
  async add(job: FileJob): Promise<void> {
    writeWhole(job, Buffer.from(job.entry.version));
    job.done();
  }

  async flush(): Promise<void> {}
}

function entry(
  depth: number,
  name: string | Buffer,
  kind: TreeEntry['kind'],
  more: Partial<TreeEntry> = {},
): TreeEntry {
  const version = more.version ?? name.toString();
  const attributes = { mode: kind === 'folder' ? 0o755 : 0o644, mtime: 1_000_000_000_123_456_789n };
  const size = kind === 'file' ? version.length : 0;
  return { depth, path: name.toString(), name, kind, size, version, hash: undefined, attributes, ...more };
}

async function write(target: string, entries: readonly TreeEntry[], overwrite = false) {
  const failed: Record<string, string> = {};
  const done: string[] = [];
  const writer = new TreeWriter({
    target,
    contents: new FakeContents(),
    attributes: new AttributeWriter({ inherits: false }),
    observer: {
      received: () => undefined,
      done: ({ path }, outcome) => void done.push(`${outcome} ${path}`),
      failed: ({ path }, error) => void (failed[path] = error.reason ?? error.code),
    },
    overwrite,
    signal: new AbortController().signal,
  });
  await writer.run(entries);
  return { failed, done };
}

function room(t: Test): { target: string; outside: string } {
  const dir = temporary(t);
  const [target, outside] = [join(dir, 'target'), join(dir, 'outside')];
  mkdirSync(outside);
  writeFileSync(join(outside, 'mine'), 'mine');
  return { target, outside };
}

function nothingOutside(t: Test, outside: string): void {
  t.same(readdirSync(outside), ['mine']);
  t.equal(readFileSync(join(outside, 'mine'), 'utf8'), 'mine');
  t.same(readdirSync(join(outside, '..')).toSorted(), ['outside', 'target']);
}

t.test('names that lead elsewhere are refused, and the others written', async (t) => {
  const { target, outside } = room(t);
  const names = ['..', '.', '', '../outside/mine', '/etc/x', 'a/b', 'nul\0', 'x'.repeat(256), '..\0'];
  for (const kind of ['file', 'folder', 'symlink'] as const) {
    const bad = names.flatMap((name) => [entry(0, name, kind, { target: 'x' }), entry(1, 'below', 'file')]);
    const tree = kind === 'folder' ? bad : bad.filter(({ depth }) => depth === 0);
    const { failed } = await write(target, [...tree, entry(0, `good ${kind}`, 'file')]);
    for (const name of names) t.match(failed[name], /no possible file name/, `${kind} ${JSON.stringify(name)}`);
    if (kind === 'folder') t.match(failed['below'], /its folder could not be made/);
  }
  t.same(readdirSync(target).toSorted(), ['good file', 'good folder', 'good symlink']);
  nothingOutside(t, outside);
});

t.test('symlinks are never followed, whether they were there or come with the tree', async (t) => {
  const { target, outside } = room(t);
  const tree = [
    entry(0, 'link', 'symlink', { target: outside }),
    entry(0, 'link', 'folder'),
    entry(1, 'mine', 'file', { path: 'link/mine', version: 'theirs' }),
    entry(0, 'to a file', 'symlink', { target: join(outside, 'mine') }),
    entry(0, 'to a file', 'file', { version: 'theirs' }),
  ];
  const first = await write(target, tree);
  t.match(first.failed, { link: /a symlink/, 'link/mine': /its folder/, 'to a file': /a symlink/ });
  nothingOutside(t, outside);
  const second = await write(target, tree, true);
  t.same(second.failed, {});
  t.ok(lstatSync(join(target, 'link')).isDirectory(), 'it replaces the link itself');
  t.equal(readFileSync(join(target, 'link/mine'), 'utf8'), 'theirs');
  nothingOutside(t, outside);
});

t.test('a folder is never replaced, and what is different only if that is asked for', async (t) => {
  const { target } = room(t);
  mkdirSync(join(target, 'folder/full'), { recursive: true });
  writeFileSync(join(target, 'file'), 'mine');
  const tree = [
    entry(0, 'folder', 'file'),
    entry(0, 'folder2', 'folder'),
    entry(0, 'file', 'file', { version: 'theirs' }),
  ];
  t.match((await write(target, tree)).failed, { folder: /a folder is in its place/, file: /with other content/ });
  t.equal(readFileSync(join(target, 'file'), 'utf8'), 'mine');
  t.match(Object.keys((await write(target, tree, true)).failed), ['folder']);
  t.equal(readFileSync(join(target, 'file'), 'utf8'), 'theirs');
  t.ok(existsSync(join(target, 'folder/full')));
});

t.test('bytes that are not UTF-8, depth beyond PATH_MAX, times and closed folders', async (t) => {
  const { target } = room(t);
  const raw = Buffer.from([0x66, 0xff, 0xfe]);
  const deep = Array.from({ length: 60 }, (_, i) => entry(i, `${i} ${'d'.repeat(120)}`, 'folder'));
  const closed = { mode: 0o500, mtime: 5n };
  const tree = [
    entry(0, raw, 'file', { version: 'raw' }),
    entry(0, 'raw link', 'symlink', { target: raw }),
    entry(0, 'closed', 'folder', { attributes: closed }),
    entry(1, 'in it', 'file'),
    ...deep,
    entry(60, 'bottom', 'file'),
  ];
  for (const outcome of ['written', 'kept']) {
    const { failed, done } = await write(target, tree, true);
    t.same(failed, {});
    t.ok(done.includes(`${outcome} closed`));
  }
  t.equal(readFileSync(Buffer.concat([Buffer.from(`${target}/`), raw]), 'utf8'), 'raw');
  t.ok(readlinkSync(join(target, 'raw link'), { encoding: 'buffer' }).equals(raw));
  const { mode, mtimeNs } = statSync(join(target, 'closed'), { bigint: true });
  t.same([Number(mode) & 0o777, mtimeNs], [0o500, 5n]);
  const found = execFileSync('find', ['.', '-name', 'bottom', '-newermt', '2001-09-08'], {
    cwd: target,
    encoding: 'utf8',
  });
  t.match(found, /\/bottom\n$/);
  // Node cannot remove what is that deep.
  execFileSync('rm', ['-rf', target]);
});

t.test('hard links, but only of what is equal', async (t) => {
  const { target } = room(t);
  const same = { version: 'same', hash: 'h', link: '1' };
  const tree = [
    entry(0, 'a', 'file', same),
    entry(0, 'folder', 'folder'),
    entry(1, 'b', 'file', { ...same, path: 'folder/b' }),
    entry(0, 'c', 'file', { ...same, hash: 'other' }),
  ];
  for (let run = 0; run < 2; run++) {
    t.same((await write(target, tree, true)).failed, {});
    const [a, b, c] = ['a', 'folder/b', 'c'].map((name) => lstatSync(join(target, name)));
    t.equal(a?.ino, b?.ino);
    t.not(a?.ino, c?.ino);
    t.equal(a?.nlink, 2);
  }
  t.same(readdirSync(target).toSorted(), ['a', 'c', 'folder'], 'nothing is left');
  linkSync(join(target, 'a'), join(target, 'd'));
  symlinkSync('a', join(target, 'e'));
});
