import t from 'tap';
import { previewKind } from '../../../src/web/preview/kind.ts';
import { markdownToHtml } from '../../../src/web/preview/markdown.ts';
import { textOfBytes } from '../../../src/web/preview/text.ts';

t.test('what is shown is decided by the extension', async (t) => {
  t.equal(previewKind('IMG_1.JPG'), 'image');
  t.equal(previewKind('drawing.svg'), 'text', 'as its source: it may have scripts');
  t.equal(previewKind('page.html'), 'text');
  t.equal(previewKind('README.md'), 'markdown');
  t.equal(previewKind('Makefile'), 'text');
  t.equal(previewKind('a.zip'), 'none');
  t.equal(previewKind('song.mp3'), 'audio');
  t.equal(previewKind('film.webm'), 'video');
});

t.test('text is recognized by its bytes', async (t) => {
  const encode = (text: string) => new TextEncoder().encode(text);
  t.equal(textOfBytes(encode('Grüße\n'), true), 'Grüße\n');
  t.equal(textOfBytes(encode('Grüße').subarray(0, 3), false), 'Gr', 'a character that is cut is left out');
  t.equal(textOfBytes(Uint8Array.of(0x47, 0x72, 0xfc, 0xdf), true), 'Grüß', 'Windows-1252');
  t.equal(textOfBytes(Uint8Array.of(0xff, 0xfe, 0x61, 0, 0x62, 0), true), 'ab', 'UTF-16');
  t.equal(textOfBytes(encode('\x1b[31mred'), true), '\x1b[31mred');
  t.equal(textOfBytes(encode('ELF\0\0'), true), undefined);
  t.equal(textOfBytes(encode(''), true), '');
});

t.test('nothing of a Markdown text is run', async (t) => {
  const html = markdownToHtml(
    '# A\n\n<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![y](data:image/svg+xml,z)\n\n| a |\n|---|\n| b |\n',
  );
  t.match(html, '<h1>A</h1>');
  t.match(html, '<td>b</td>');
  t.notMatch(html, /<script|javascript:|data:/);
});
