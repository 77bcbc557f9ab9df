import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Names that clients and servers are known to have problems with. */
const ODD_NAMES = [
  'with space.txt',
  'hash#mark.txt',
  'question?.txt',
  'percent%41.txt',
  'semi;colon&amp.txt',
  "quote'd.txt",
  'plus+equals=.txt',
  'Grüße aus Ålesund.txt',
  '日本語.txt',
  '😀.txt',
  '[bracket] (paren).txt',
  '.hidden',
];

/** A small tree of folders with odd names, empty files, empty folders and a file of several blocks. */
export async function makeTree(dir: string, { links = false } = {}): Promise<void> {
  await mkdir(join(dir, 'deep/er/and deeper'), { recursive: true });
  await mkdir(join(dir, 'empty folder'));
  for (const [i, name] of ODD_NAMES.entries()) await writeFile(join(dir, name), `${name}\n`.repeat(i * 50));
  await writeFile(join(dir, 'deep/er/and deeper/leaf.bin'), pattern(3_500_000));
  for (let i = 0; i < 60; i++) await writeFile(join(dir, 'deep', `small-${i}`), pattern(i * 37));
  await utimes(join(dir, 'with space.txt'), 1_500_000_000, 1_500_000_000);
  if (links) await symlink('with space.txt', join(dir, 'link'));
}

/** Bytes that differ from block to block. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i + 4 <= size; i += 4) bytes.writeUInt32LE(Math.imul(i + size, 2_654_435_761) >>> 0, i);
  return bytes;
}
