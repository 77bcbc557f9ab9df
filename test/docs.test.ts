import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import t from 'tap';

const root = join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Files of the checkout, without what is installed or built. */
const files = readdirSync(root, { withFileTypes: true })
  .filter(({ name }) => !['node_modules', 'dist', '.git', '.tap'].includes(name))
  .flatMap((entry) =>
    entry.isDirectory()
      ? readdirSync(join(root, entry.name), { recursive: true, encoding: 'utf8' }).map(
          (file) => `${entry.name}/${file}`,
        )
      : [entry.name],
  )
  .map((file) => file.replaceAll('\\', '/'));

const pages = files.filter((file) => /^(?:[A-Z]+|docs\/.*)\.md$/.test(file));

/** Every folder and file of the checkout by each of its path's endings: `a/b/c.ts`, `b/c.ts`, `c.ts`; folders end in `/`. */
const endings = new Set<string>();
for (const file of files) {
  const parts = file.split('/');
  for (let end = 1; end <= parts.length; end++) {
    for (let start = 0; start < end; start++) {
      endings.add(parts.slice(start, end).join('/') + (end < parts.length ? '/' : ''));
    }
  }
}

/** Code spans outside of code blocks. */
function codeSpans(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span ?? '');
}

/** True for a span that names a file or folder of the repository, and not one that Fjord or a user creates. */
function namesPath(span: string): boolean {
  if (!/^[\w@.-]+(?:\/[\w@.-]+)*\/?$/.test(span)) return false;
  return /\.(?:ts|cts|mts|mjs|md|py)$/.test(span) || /^(?:src|test|bench|docs|scripts)\//.test(span);
}

t.test('every file and folder that a page names exists', async (t) => {
  t.ok(pages.length > 50, 'pages were found');
  for (const page of pages) {
    // The changelog also describes files that no longer exist.
    if (page === 'CHANGELOG.md') continue;
    for (const span of codeSpans(read(page))) {
      if (!namesPath(span)) continue;
      const found = endings.has(span) || endings.has(`${span}/`);
      if (!found) t.fail(`${page} names ${span}`);
    }
  }
});

t.test('every relative link leads to a file, and every anchor to a heading', async (t) => {
  for (const page of pages) {
    for (const [, link = ''] of read(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : posix.join(dirname(page), path);
      if (!existsSync(join(root, target))) t.fail(`${page} links to ${link}`);
      else if (anchor !== undefined && !anchors(read(target)).includes(anchor)) t.fail(`${page} links to ${link}`);
    }
  }
});

t.test('the index has every decision, with its title and sentence, in order', async (t) => {
  const folder = 'docs/decisions';
  const rows = [...read(`${folder}/README.md`).matchAll(/^\| \[(\d{3})\]\(([^)]+)\) \| (.*?) \| (.*) \|$/gm)];
  const listed = rows.map(([, number, file, title, sentence]) => ({ number, file, title, sentence }));
  const decisions = readdirSync(join(root, folder)).filter((file) => file !== 'README.md');
  const wanted = decisions.sort().map((file) => {
    const [heading = '', paragraph = ''] = read(`${folder}/${file}`).split('\n\n');
    const [, number, title] = /^# (\d{3}): (.*)$/.exec(heading) ?? [];
    const sentence = paragraph.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll('\n', ' ');
    return { number, file, title, sentence };
  });
  t.strictSame(listed, wanted);
  t.equal(new Set(wanted.map(({ number }) => number)).size, wanted.length, 'each number is used once');
});

t.test('the folders of the source are those of the README and of the table in CONTRIBUTING', async (t) => {
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort(byName);
  const tree = /^```\nsrc\/\n([\s\S]*?)^```$/m.exec(read('README.md'))?.[1] ?? '';
  t.strictSame([...tree.matchAll(/^ {2}([\w-]+)\/ /gm)].map(([, name]) => name ?? '').sort(byName), folders);
  const [, ...rows] = read('CONTRIBUTING.md').matchAll(/^\| (`src\/[^|]*) \|/gm);
  const first = [...read('CONTRIBUTING.md').matchAll(/^\| (`src\/[^|]*) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`src\/([\w-]+)`/g)].map(([, name]) => name),
  );
  t.ok(rows.length > 5);
  t.strictSame([...new Set(first)].sort(byName), folders);
});

const byName = (a = '', b = ''): number => a.localeCompare(b, 'en');

/** The anchors that GitHub gives to headings. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
