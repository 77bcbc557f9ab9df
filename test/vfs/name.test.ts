import fc from 'fast-check';
import t from 'tap';
import { NAME_MAX, checkName, isLitter, splitExtension } from '../../src/vfs/name.ts';

t.test('invalid names are refused with a reason', async (t) => {
  for (const name of ['', '.', '..', 'a/b', '/', 'a\0', '\ud800', 'x\udc00y']) {
    t.throws(() => checkName(name, 'create'), { code: 'EINVAL' }, JSON.stringify(name));
  }
  for (const name of ['a'.repeat(256), 'é'.repeat(128), '\u{1f600}'.repeat(64)]) {
    t.throws(() => checkName(name, 'create'), { code: 'ENAMETOOLONG' });
  }
});

t.test('all others are valid', async (t) => {
  const names = [
    'a',
    '...',
    'a'.repeat(NAME_MAX),
    'é'.repeat(127),
    '\u{1f600}',
    'tab\there',
    'line\nbreak',
    ' ',
    'CON',
    'a\\b',
  ];
  for (const name of names) t.doesNotThrow(() => checkName(name, 'create'), JSON.stringify(name));
});

t.test('splitting off the extension loses nothing', async (t) => {
  t.same(splitExtension('report.pdf'), ['report', '.pdf']);
  t.same(splitExtension('a.tar.gz'), ['a.tar', '.gz']);
  t.same(splitExtension('.profile'), ['.profile', '']);
  t.same(splitExtension('Makefile'), ['Makefile', '']);
  fc.assert(fc.property(fc.string(), (name) => splitExtension(name).join('') === name));
});

t.test('litter is recognized by its name', async (t) => {
  for (const name of ['._a', '.DS_Store', 'Thumbs.db', 'thumbs.db', 'desktop.ini', 'Desktop.ini', '~$Thesis.docx']) {
    t.ok(isLitter(name), name);
  }
  for (const name of ['a', '.a', '_a', 'DS_Store', '.DS_Store2', 'my Thumbs.db', '~a', '$a', 'a~$'])
    t.notOk(isLitter(name), name);
});
