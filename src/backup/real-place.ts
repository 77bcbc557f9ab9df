import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, posix, sep } from 'node:path';

/** A part of a file system that can be reached below a folder. */
interface Region {
  /** Names the file system. */
  readonly device: string;
  /** In the file system, whatever it is mounted on. */
  readonly path: string;
}

/** Where a folder is, under whatever names it can be reached. */
export interface RealPlace {
  readonly path: string;
  /** The folder and those above it, by device and inode; of one that is not there, those above. */
  readonly self: string | undefined;
  readonly above: readonly string[];
  /** What is below it: its own file system, and those mounted on folders in it. Linux only. */
  readonly regions: readonly Region[];
}

/** A line of `/proc/self/mountinfo`; see proc_pid_mountinfo(5). */
interface Mount extends Region {
  readonly point: string;
}

/** The mount point that a folder is on, or would be if it were there; undefined where the system does not say. */
export function mountPointOf(folder: string): string | undefined {
  return mountOf(realPath(folder), mounts())?.point;
}

/**
 * The place of a folder that need not be there, through links, bind mounts and other spellings of its name. Waits for the disk,
 * so it is called on a thread of the source.
 */
export function realPlaceOf(folder: string): RealPlace {
  const path = realPath(folder);
  const chain: (string | undefined)[] = [];
  for (let at = path; ; at = dirname(at)) {
    chain.push(identityOf(at));
    if (dirname(at) === at) break;
  }
  const [self, ...rest] = chain;
  return { path, self, above: rest.filter((one) => one !== undefined), regions: regionsOf(path, mounts()) };
}

/** The same of a folder whose disk does not answer, as far as its name says. */
export function placeByName(path: string): RealPlace {
  return { path, self: undefined, above: [], regions: regionsOf(path, mounts()) };
}

/** How one place lies to another, as the middle of a sentence; undefined if they have nothing in common. */
export function relate(one: RealPlace, other: RealPlace): string | undefined {
  const is = 'already is';
  const inside = 'is inside';
  const contains = 'contains';
  if (one.path === other.path || (one.self !== undefined && one.self === other.self)) return is;
  if (isBelow(one.path, other.path, sep) || (other.self !== undefined && one.above.includes(other.self))) return inside;
  if (isBelow(other.path, one.path, sep) || (one.self !== undefined && other.above.includes(one.self))) return contains;
  for (const a of one.regions) {
    for (const b of other.regions) {
      if (a.device !== b.device) continue;
      if (a.path === b.path) return is;
      if (isBelow(a.path, b.path, '/')) return inside;
      if (isBelow(b.path, a.path, '/')) return contains;
    }
  }
  return undefined;
}

/** The real path of the nearest folder that has one, and the names below it. */
function realPath(folder: string): string {
  const above = dirname(folder);
  if (above === folder) return folder;
  try {
    return realpathSync(folder);
  } catch {
    return join(realPath(above), basename(folder));
  }
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function mounts(): Mount[] {
  if (process.platform !== 'linux') return [];
  return mountTable()
    .split('\n')
    .flatMap((line) => {
      const [, , device, path, point] = line.split(' ').map(unescape);
      return device && path && point ? [{ device, path, point }] : [];
    });
}

function mountTable(): string {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return '';
  }
}

/** Blanks and backslashes are written in octal. */
function unescape(field: string): string {
  return field.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function mountOf(path: string, all: readonly Mount[]): Mount | undefined {
  let nearest: Mount | undefined;
  for (const mount of all) {
    const holds = path === mount.point || isBelow(path, mount.point, '/');
    // Of several on one folder the last one counts.
    if (holds && mount.point.length >= (nearest?.point.length ?? 0)) nearest = mount;
  }
  return nearest;
}

function regionsOf(path: string, all: readonly Mount[]): Region[] {
  const nearest = mountOf(path, all);
  const below = all.filter(({ point }) => isBelow(point, path, '/'));
  const regions = below.map(({ device, path: root }) => ({ device, path: root }));
  if (!nearest) return regions;
  const own = posix.join(nearest.path, posix.relative(nearest.point, path));
  return [{ device: nearest.device, path: own }, ...regions];
}

function isBelow(path: string, folder: string, separator: string): boolean {
  return path.startsWith(folder.endsWith(separator) ? folder : folder + separator);
}
