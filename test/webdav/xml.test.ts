import fc from 'fast-check';
import t from 'tap';
import { DavError } from '../../src/webdav/dav-error.ts';
import { textOf } from '../../src/webdav/xml/element.ts';
import type { XmlElement } from '../../src/webdav/xml/element.ts';
import { escapeAttribute, escapeText } from '../../src/webdav/xml/escape.ts';
import { XmlReader } from '../../src/webdav/xml/reader.ts';
import { writeElement } from '../../src/webdav/xml/writer.ts';

function read(text: string | Buffer, step = Infinity): XmlElement | undefined {
  const bytes = Buffer.from(text);
  const reader = new XmlReader();
  for (let at = 0; at < bytes.length; at += step) reader.write(bytes.subarray(at, at + step));
  return reader.end();
}

function status(text: string | Buffer): number {
  try {
    read(text);
    return 200;
  } catch (error) {
    return error instanceof DavError ? error.status : 500;
  }
}

t.test('refused bodies', async (t) => {
  const bad: Record<string, string> = {
    truncated: '<a><b>',
    'two roots': '<a/><b/>',
    'no element': '   ',
    mismatched: '<a></b>',
    'unbound prefix': '<x:a/>',
    'undeclared prefix': '<a xmlns:x=""/>',
    doctype: '<!DOCTYPE a><a/>',
    'billion laughs': '<!DOCTYPE a [<!ENTITY b "bbb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    'external entity': '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    'unknown entity': '<a>&foo;</a>',
    'repeated attribute': '<a b="1" b="2"/>',
    'control character': '<a>\u0001</a>',
    'too deep': '<a>'.repeat(65) + '</a>'.repeat(65),
    text: 'hello',
  };
  for (const [what, text] of Object.entries(bad)) t.equal(status(text), 400, what);
  t.equal(status(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e])), 400, 'not UTF-8');
  t.equal(status(`<a>${'<b/>'.repeat(20_001)}</a>`), 413, 'too many elements');
});

t.test('UTF-16 and byte order marks are read', async (t) => {
  t.equal(read(Buffer.from('\ufeff<a>é</a>'))?.name, 'a');
  t.equal(textOf(read(Buffer.from('\ufeff<a>é</a>', 'utf16le')) as XmlElement), 'é');
  t.equal(read(''), undefined);
});

t.test('values keep their meaning in any context', async (t) => {
  const cases: Record<string, string> = {
    '<a/>': '<a/>',
    '<x:a xmlns:x="urn:x"><x:b/></x:a>': '<x:a xmlns:x="urn:x"><x:b/></x:a>',
    '<a xmlns="urn:x"><b xmlns=""/></a>': '<a xmlns="urn:x"><b xmlns=""/></a>',
    '<a xmlns:q="urn:q" t="q:name">1 &lt; 2 &amp; 3</a>': '<a xmlns:q="urn:q" t="q:name">1 &lt; 2 &amp; 3</a>',
    '<a x="&quot;&#10;"><![CDATA[<&>]]></a>': '<a x="&quot;&#10;">&lt;&amp;&gt;</a>',
  };
  for (const [from, to] of Object.entries(cases)) t.equal(writeElement(read(from) as XmlElement), to, from);
  const outer = read('<o xmlns:p="urn:p" xml:lang="nb"><p:a><p:b q="1"/></p:a></o>');
  const inner = outer?.children[0] as XmlElement;
  t.equal(
    writeElement(inner),
    '<p:a xmlns:p="urn:p" xml:lang="nb"><p:b q="1"/></p:a>',
    'namespaces and language in scope are included',
  );
});

t.test('bytes may be split in any way', async () => {
  const text = '<D:a xmlns:D="DAV:">hé<D:b>😀</D:b></D:a>';
  const whole = JSON.stringify(read(text));
  const squeeze = (json: string): string => json.replaceAll('","', '');
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      (step) => squeeze(JSON.stringify(read(text, step))) === squeeze(whole),
    ),
  );
});

t.test('escaped text is parsed again', async () => {
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, (s) => {
      // eslint-disable-next-line no-control-regex
      const clean = s.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
      const element = read(`<a b="${escapeAttribute(s)}">${escapeText(s)}</a>`) as XmlElement;
      return textOf(element) === clean && element.attributes[0]?.value === clean;
    }),
  );
});
