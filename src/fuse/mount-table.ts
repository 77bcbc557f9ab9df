import { readFile } from 'node:fs/promises';

/** One line of `/proc/self/mountinfo`, proc(5). */
export interface MountEntry {
  /** `major:minor`; the minor number identifies a FUSE connection. */
  readonly device: string;
  readonly dir: string;
  readonly type: string;
  readonly source: string;
}

/** All mounts that this process can see, later ones on top of earlier ones. Accesses none of them. */
export async function readMounts(): Promise<MountEntry[]> {
  return parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
}

export function parseMounts(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const [left = '', right] = line.split(' - ');
    const [, , device, , dir] = left.split(' ');
    const [type, source] = right?.split(' ') ?? [];
    if (device === undefined || dir === undefined || type === undefined || source === undefined) return [];
    return [{ device, dir: unescape(dir), type, source: unescape(source) }];
  });
}

/** Decodes space, tab, newline and backslash, which the kernel writes as three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
