import type { Attr, AttrChanges } from '../../vfs/node.ts';
import { parseHttpDate, parseIsoDate } from '../http-date.ts';
import { plausible } from '../mtime.ts';
import { DAV, textOf } from '../xml/element.ts';
import type { XmlElement } from '../xml/element.ts';
import { writeElement } from '../xml/writer.ts';
import { encodeDead, xattrName } from './dead.ts';
import { APACHE, LIVE, MICROSOFT } from './live.ts';
import { clark } from './property-name.ts';

/** One `set` or `remove` of a PROPPATCH. */
export interface Instruction {
  readonly remove: boolean;
  readonly element: XmlElement;
}

/** The effect of an instruction: changes to make (none for values that are accepted but not stored), or a refusal. */
export type Effect =
  | { readonly status: 200; readonly changes: AttrChanges }
  | { readonly status: 403 | 409; readonly reason: string; readonly condition?: string };

/** The attributes of a node that the meaning of a value depends on. */
export type Subject = Pick<Attr, 'kind' | 'mode'>;

type Setter = (text: string, subject: Subject, now: number) => Effect;

/** Values that Windows sets on every file (archive, directory, normal), which carry no information. */
const usual = new Set(['', '0', '10', '20', '80']);

const done = (changes: AttrChanges): Effect => ({ status: 200, changes });

const time =
  (field: 'mtime' | 'birthtime', parse: (text: string) => number | undefined): Setter =>
  (text, _subject, now) => {
    const ms = parse(text);
    if (ms === undefined) return { status: 409, reason: 'The value is not a valid date for this property.' };
    return done(plausible(ms, now) ? { [field]: ms } : {});
  };

const setters: ReadonlyMap<string, Setter> = new Map([
  ['{DAV:}getlastmodified', time('mtime', parseHttpDate)],
  ['{DAV:}lastmodified', time('mtime', unixSeconds)],
  ['{DAV:}creationdate', time('birthtime', parseIsoDate)],
  [`{${MICROSOFT}}Win32LastModifiedTime`, time('mtime', parseHttpDate)],
  [`{${MICROSOFT}}Win32CreationTime`, time('birthtime', parseHttpDate)],
  [`{${MICROSOFT}}Win32LastAccessTime`, (): Effect => done({})],
  [`{${APACHE}}executable`, executable],
]);

/** The effect of an instruction on a node. */
export function effectOf({ remove, element }: Instruction, subject: Subject, now: number): Effect {
  const key = clark(element);
  if (!remove) {
    const set = setters.get(key);
    if (set !== undefined) return set(textOf(element).trim(), subject, now);
  }
  if (key === `{${MICROSOFT}}Win32LastAccessTime`) return done({});
  if (LIVE.has(key) || element.namespace === DAV) {
    const reason = 'The server computes this property; it cannot be changed.';
    return { status: 403, reason, condition: 'cannot-modify-protected-property' };
  }
  const attribute = xattrName(element);
  const value = remove || isUsual(key, element) ? null : encodeDead({ name: element, xml: writeElement(element) });
  return done({ xattrs: { [attribute]: value } });
}

function isUsual(key: string, element: XmlElement): boolean {
  return key === `{${MICROSOFT}}Win32FileAttributes` && usual.has(textOf(element).trim().replace(/^0+/, ''));
}

function executable(text: string, { kind, mode }: Subject): Effect {
  if (kind === 'folder') return { status: 409, reason: 'A folder cannot be made executable.' };
  if (text !== 'T' && text !== 'F') return { status: 409, reason: 'The value must be T or F.' };
  // Every class that may read may also execute, as after `chmod +x` with the usual umask.
  return done({ mode: text === 'T' ? mode | ((mode & 0o444) >> 2) : mode & ~0o111 });
}

function unixSeconds(text: string): number | undefined {
  return /^\d{1,12}(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined;
}
