/** `a.txt`, 2 → `a (2).txt`. */
export function numbered(name: string, number: number): string {
  const dot = name.lastIndexOf('.');
  const [stem, extension] = dot <= 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)];
  return `${stem} (${number})${extension}`;
}
